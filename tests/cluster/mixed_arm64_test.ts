import assert from "node:assert/strict";
import { hashArchive } from "../../lib/archive/archive.ts";
import { sampleRecord } from "../contract/registry.ts";
import { code, get, post } from "../support/client.ts";
import { Continuum, invoke, knows, knowsFree, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

const binary = new URL("../../dist/serverledge-aarch64", import.meta.url).pathname;
/** Emulated where this machine is not an ARM64 one itself; glibc is Debian's cross package. */
const runner = Deno.build.arch === "aarch64"
  ? []
  : ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];

/** How long the emulated node may take to get a function running, ms. */
const startBoundMs = 150_000;

const whereFunction = `
export function f(params: { n?: number }, context: { node: string }) {
  return { node: context.node, sum: (params.n ?? 0) + 1 };
}
`;

Deno.test("an ARM64 node and an x86-64 node are one cluster", async (t) => {
  await using world = await Continuum.start();
  const slow = { binary, runner, readyTimeoutMs: 240_000 };
  const [x86, arm] = await Promise.all([
    world.join("x86", "EDGE", { "scheduler.policy": "edgeonly", "node.architecture": "amd64" }),
    // Emulation is some twenty times slower, and so are its answers.
    world.join("arm", "EDGE", {
      "registry.nearby.interval": 1,
      "container.pool.memory": 512,
      "sandbox.generic": 0,
      "sandbox.launcher": runner.join(" "),
    }, slow),
  ]);

  await t.step("both nodes see each other with their architectures", async () => {
    await sees(x86, [arm]);
    await sees(arm, [x86]);
    for (const { url } of [x86, arm]) {
      const { Nodes } = (await get(`${url}/nodes`)).body;
      const architectures = Nodes.map(({ Id, Architecture }: Record<string, string>) =>
        `${Id} ${Architecture}`
      );
      assert.deepEqual(architectures.sort(), [`${arm.id} arm64`, `${x86.id} amd64`]);
    }
  });

  await t.step(
    "a function for ARM64 runs on the ARM64 node, and its response comes back",
    async () => {
      const archive = Uint8Array.fromBase64(await code({ "main.ts": whereFunction }));
      const codeHash = await hashArchive(archive);
      await world.registry.putCode(codeHash, archive);
      // Code for sandboxes runs on both; that this may not is what is to be seen.
      await world.registry.putFunction(sampleRecord("where", {
        runtime: "deno",
        handler: "main.f",
        codeHash,
        // Of an emulated process the emulator is the larger part.
        memoryMib: 512,
        timeoutMs: 60_000,
        architectures: ["arm64"],
      }));
      for (const node of [x86, arm]) await knows(node, "where");
      let answer = await invoke(arm, { n: 0 }, {}, "where");
      // On a busy machine the emulated sandbox may not start in time, and is started again.
      await eventually("it is warm there", async () => {
        if (answer.status !== 200) answer = await invoke(arm, { n: 0 }, {}, "where");
        return answer.status === 200;
      }, startBoundMs);
      await knowsFree(x86, arm);
      const { status, body } = await invoke(x86, { n: 41 }, {}, "where");
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(JSON.parse(body.Result), { node: arm.id, sum: 42 });
      assert.deepEqual([body.ExecutionNode, body.IsWarmStart], [arm.id, true]);
      const page = await fetch(`${x86.url}/fn/where`);
      assert.deepEqual([page.status, (await page.json()).node], [200, arm.id]);
      const ran = (await world.audit()).filter(({ place, outcome }) =>
        place === "local" && outcome === "OK"
      );
      assert.deepEqual(ran.map(({ node }) => node), Array(3).fill(arm.id));
      await post(`${x86.url}/delete`, { Name: "where" });
    },
  );

  await t.step("a function for ARM64 only starts on the ARM64 node, or not at all", async () => {
    // No such image is on this machine, and there is nowhere to get it from.
    await world.registry.putFunction(sampleRecord("for-arm", {
      runtime: "custom",
      customImage: "127.0.0.1:1/serverledge-test/for-arm:1",
      memoryMib: 16,
      cpu: 0,
      architectures: ["arm64"],
    }));
    for (const node of [x86, arm]) await knows(node, "for-arm");
    await eventually("its status came", async () => {
      const { Nodes } = (await get(`${x86.url}/nodes`)).body;
      return Nodes.every(({ AgeMs }: { AgeMs: unknown }) => AgeMs !== null);
    });
    const asked = await post(`${arm.url}/invoke/for-arm`);
    assert.deepEqual([asked.status, asked.body.code], [502, "ENGINE_REFUSED"]);
    assert.match(asked.body.message, /for-arm:1/);
    await knowsFree(x86, arm);
    const { status, body } = await invoke(x86, {}, {}, "for-arm");
    assert.deepEqual([status, body.code], [429, "NO_SUITABLE_NODE"]);
  });

  await t.step("the request of the x86-64 node reached the start on the other node", async () => {
    const written = (await world.audit()).filter((each) => each.function === "for-arm");
    assert.equal(written.length, 3);
    const [refused] = written.filter(({ node }) => node === x86.id);
    const there = written.filter(({ node, id }) => node === arm.id && id === refused!.id);
    assert.deepEqual(there.map(({ outcome }) => outcome), ["ENGINE_REFUSED"]);
    assert.equal(refused!.outcome, "NO_SUITABLE_NODE");
  });
});
