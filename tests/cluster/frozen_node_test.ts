/**
 * A node that the kernel stops for longer than its lease in etcd and its deadlines, as a suspended machine
 * does, and lets go on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { becomesIdle, Continuum, invoke, knows, runs, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

/** How long it is stopped: longer than the lease of its registration (10 s). */
const stoppedMs = Number(Deno.env.get("SERVERLEDGE_TEST_STOPPED_MS") ?? 12_000);

const source = `export default async (params, { node }) => {
  await new Promise((resolve) => setTimeout(resolve, params.ms ?? 0));
  return node;
};`;

Deno.test("a node stopped during requests loses its registration, and continues afterwards", async () => {
  await using world = await Continuum.start();
  const room = { "container.pool.memory": 512, "registry.remote.area": "" };
  const [node, other] = await Promise.all([
    world.join("edge-1", "EDGE", room),
    world.join("edge-2", "EDGE", { ...room, "scheduler.policy": "edgeonly" }),
  ]);
  await sees(other, [node]);
  const TarFunctionCode = await code({ "main.js": source });
  const definition = { Name: "f", Runtime: "deno", Handler: "main.js", MaxConcurrency: 8 };
  await post(`${node.url}/create`, { ...definition, TarFunctionCode });
  await knows(other, "f");
  for (const member of [node, other]) assert.equal((await invoke(member)).status, 200);

  const short = invoke(node, { ms: 3000 }, { QoSMaxRespT: stoppedMs / 200 });
  const late = invoke(node, { ms: stoppedMs }, { QoSMaxRespT: 5 });
  const { body: { ReqId: id } } = await invoke(node, { ms: 3000 }, { Async: true });
  await runs(node, 3);
  Deno.kill(node.pid, "SIGSTOP");
  const stoppedAt = performance.now();
  try {
    // Others work on, and forget it when its lease has ended.
    await sees(other, []);
    assert.equal((await invoke(other)).body.ExecutionNode, other.id);
    await eventually("its registration is gone", async () => {
      const { Nodes } = (await get(`${other.url}/nodes`)).body;
      return Nodes.every(({ Id }: { Id: string }) => Id !== node.id) &&
        performance.now() - stoppedAt > stoppedMs;
    }, stoppedMs + 30_000);
  } finally {
    Deno.kill(node.pid, "SIGCONT");
  }

  // What had run meanwhile in its own process is answered; what is too late says so.
  const { status, body } = await short;
  assert.deepEqual([status, body.ExecutionNode], [200, node.id], JSON.stringify(body));
  assert.deepEqual([(await late).status, (await late).body.code], [504, "DEADLINE_EXCEEDED"]);
  await eventually("async has its result", async () => {
    const answer = await get(`${node.url}/poll/${id}`);
    return answer.status === 200 && answer.body.Success === true;
  });
  assert.equal((await invoke(node)).status, 200);
  await sees(other, [node]);
  await eventually("it is healthy", async () => {
    return (await get(`${node.url}/healthz`)).body.Status === "ok";
  });
  await becomesIdle(node);
  await world.audit();
});
