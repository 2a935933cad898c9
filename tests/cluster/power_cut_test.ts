import assert from "node:assert/strict";
import { code as archive, post } from "../support/client.ts";
import { Continuum, invoke, knows, knowsFree, type Member, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/network/free_port.ts";
import { tempDir } from "../support/temp_dir.ts";
import { freeUdpPort } from "../support/network/datagram_relay.ts";

const code = `export default async (params, { node }) => {
  await new Promise((resolve) => setTimeout(resolve, params.ms ?? 0));
  return node;
};`;

Deno.test("two nodes find each other after a power cut without etcd, and continue", async () => {
  await using world = await Continuum.start();
  await using folder = await tempDir("power-cut");
  const configs = ["a", "b"].map((name) => ({
    "data.dir": `${folder.path}/${name}`,
    "api.port": freePort(),
    "registry.udp.port": freeUdpPort(),
    "scheduler.policy": "edgeonly",
  }));
  const start = () =>
    Promise.all(configs.map((config, at) => world.join("ab"[at]!, "EDGE", config))) as Promise<
      [Member, Member]
    >;
  const leaver = await world.join("leaver", "EDGE");
  const before = await start();
  await sees(before[0], [before[1], leaver]);
  await post(`${before[0].url}/create`, {
    Name: "f",
    Runtime: "deno",
    Handler: "f",
    MemoryMB: 64,
    TarFunctionCode: await archive({ "f.js": code }),
  });
  for (const node of before) {
    await knows(node, "f");
    // Its code is on its disk then.
    assert.equal((await invoke(node)).body.ExecutionNode, node.id);
  }
  await leaver.stop();
  for (const [at, node] of before.entries()) {
    const other = before[1 - at]!;
    await eventually(`${node.id} has written who is there`, async () => {
      const text = await Deno.readTextFile(`${configs[at]!["data.dir"]}/nodes.json`);
      return text.includes(other.id) && !text.includes(leaver.id);
    });
  }
  await Promise.all([...before.map((node) => node.kill()), world.etcd.kill()]);

  const [a, b] = await start();
  await sees(a, [b]);
  await sees(b, [a]);
  await knowsFree(a, b);
  await eventually("the second of two requests goes to the other node", async () => {
    const both = await Promise.all([invoke(a, { ms: 1000 }), invoke(a, { ms: 1000 })]);
    assert.deepEqual(both.map(({ status }) => status), [200, 200]);
    return new Set(both.map(({ body }) => body.ExecutionNode)).size === 2;
  });

  await world.etcd.restart();
  const late = await world.join("late", "EDGE");
  await sees(a, [b, late]);
  await sees(late, [a, b]);
});
