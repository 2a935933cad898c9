import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { Continuum, invoke, knows, knowsFree, runs, sees, sleeper } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("nodes that restart while etcd is away find each other, and heed it when it is back", async (t) => {
  await using world = await Continuum.start();
  await using folder = await tempDir("remembered");
  const configOf = (name: string) => ({
    "data.dir": `${folder.path}/${name}`,
    "api.port": freePort(),
    "registry.udp.port": freePort(),
    "registry.remote.area": "",
    "scheduler.policy": "edgeonly",
  });
  const configs = [configOf("a"), configOf("b")] as const;
  const startBoth = () =>
    Promise.all([world.join("a", "EDGE", configs[0]), world.join("b", "EDGE", configs[1])]);
  const others = async (url: string) =>
    (await get(`${url}/nodes`)).body.Nodes.filter(({ Self }: { Self: boolean }) => !Self);

  await t.step("what etcd tells is kept, for this user only", async () => {
    const both = await startBoth();
    const [a, b] = both;
    await post(`${a.url}/create`, await python("f", sleeper));
    await knows(b, "f");
    // Each has the code then.
    for (const node of both) {
      const { status } = await invoke(node, {}, { CanDoOffloading: false });
      assert.equal(status, 200);
    }
    await sees(a, [b]);
    await sees(b, [a]);
    for (const [name, other] of [["a", b], ["b", a]] as const) {
      const path = `${folder.path}/${name}/members.json`;
      await eventually("it is written", () => {
        try {
          return Deno.readTextFileSync(path).includes(other.id);
        } catch {
          return false;
        }
      });
      assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    }
    await world.etcd.kill();
    await Promise.all(both.map((node) => node.kill()));
  });

  const [a, b] = await startBoth();

  await t.step("they find each other without etcd, say so, and offload", async () => {
    await sees(a, [b]);
    await sees(b, [a]);
    assert.deepEqual((await others(a.url)).map((one: { Remembered?: true }) => one.Remembered), [
      true,
    ]);
    const { Status, Problems } = (await get(`${a.url}/healthz`)).body;
    assert.equal(Status, "degraded");
    assert(Problems.some((one: string) => one.startsWith("members: 1 are remembered")), Problems);
    await knowsFree(a, b);
    const busy = invoke(a, { sleep: 3 }, { CanDoOffloading: false });
    await runs(a, 1);
    const { status, body } = await invoke(a);
    assert.deepEqual([status, body.ExecutionNode], [200, b.id], JSON.stringify(body));
    assert.equal((await busy).status, 200);
  });

  await t.step("etcd is back: its word counts", async () => {
    await world.etcd.restart();
    await eventually("nobody is remembered any more", async () => {
      const found = await others(a.url);
      return found.length === 1 && found[0].Remembered === undefined && found[0].Reachable;
    });
    const { Problems } = (await get(`${a.url}/healthz`)).body;
    assert(!Problems.some((one: string) => one.startsWith("members:")), Problems);
  });
});
