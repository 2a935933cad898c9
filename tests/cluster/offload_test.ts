import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import { startEtcd, type TestEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, type NodeProcess, startNodeProcess } from "../support/node.ts";

/** Says where it ran after it has slept. */
const sleeper = `
import time
def f(params, context):
    time.sleep((params or {}).get("sleep", 0))
    return context["node"]
`;

/** A node of the cluster; room for one instance unless told otherwise. */
function member(
  etcd: TestEtcd,
  id: string,
  area: string,
  policy: string,
  memory = 64,
): Promise<NodeProcess> {
  return startNodeProcess({
    config: {
      "etcd.address": etcd.endpoint,
      "registry.node.id": id,
      "registry.area": area,
      "registry.remote.area": area === "CLOUD" ? "" : "CLOUD",
      "registry.udp.port": freePort(),
      "registry.nearby.interval": 0.3,
      "scheduler.policy": policy,
      "container.pool.memory": memory,
      "cluster.secret": "test secret",
    },
  });
}

/** Waits until a node sees others as reachable, and no more than these. */
async function sees(node: NodeProcess, ids: readonly string[]): Promise<void> {
  await eventually(`it sees ${ids.join(", ")}`, async () => {
    const { body } = await get(`${node.url}/nodes`);
    const reachable = body.Nodes.filter((other: { Reachable: boolean; Self: boolean }) =>
      other.Reachable && !other.Self
    );
    const found = reachable.map(({ Id }: { Id: string }) => Id).sort();
    return JSON.stringify(found) === JSON.stringify([...ids].sort());
  });
}

const invoke = (node: NodeProcess, params: object = {}, more: object = {}) =>
  post(`${node.url}/invoke/f`, { Params: params, CanDoOffloading: true, ...more });

Deno.test("an edge zone and a cloud region", async (t) => {
  await using etcd = await startEtcd();
  await using one = await member(etcd, "edge-1", "EDGE", "edgecloud");
  await using cloud = await member(etcd, "cloud-1", "CLOUD", "default", 512);
  await using near = await member(etcd, "edge-2", "EDGE", "edgeonly");
  await sees(one, ["edge-2", "cloud-1"]);
  await sees(near, ["edge-1", "cloud-1"]);
  await post(`${one.url}/create`, await python("f", sleeper));
  for (const node of [near, cloud]) {
    await eventually(
      "it knows f",
      async () => (await get(`${node.url}/function`)).body.includes("f"),
    );
  }

  await t.step("vertical: a busy node sends to the cloud", async () => {
    const local = invoke(one, { sleep: 1.5 });
    await eventually("busy", async () => (await get(`${one.url}/status`)).body.Running === 1);
    const { status, body } = await invoke(one);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.ExecutionNode, body.ExecutionArea], ["cloud-1", "CLOUD"]);
    assert(body.OffloadLatency >= 0);
    assert.equal((await local).body.ExecutionNode, "edge-1");
  });

  await t.step("horizontal: a busy node sends to its neighbour", async () => {
    const local = invoke(near, { sleep: 1.5 });
    await eventually("busy", async () => (await get(`${near.url}/status`)).body.Running === 1);
    const { status, body } = await invoke(near);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.ExecutionNode, "edge-1");
    await local;
  });

  await t.step("async keeps its id and is polled anywhere", async () => {
    const local = invoke(one, { sleep: 1.5 });
    await eventually("busy", async () => (await get(`${one.url}/status`)).body.Running === 1);
    const { body: { ReqId: id } } = await invoke(one, {}, { Async: true });
    for (const node of [one, near]) {
      await eventually(
        "it is done",
        async () => (await get(`${node.url}/poll/${id}`)).status === 200,
      );
      assert.equal((await get(`${node.url}/poll/${id}`)).body.ExecutionNode, "cloud-1");
    }
    await local;
  });

  await t.step("data that must stay in the area stays", async () => {
    const local = invoke(one, { sleep: 1 });
    await eventually("busy", async () => (await get(`${one.url}/status`)).body.Running === 1);
    const { status, body } = await invoke(one, {}, { Locality: "area" });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.ExecutionArea, "EDGE");
    await local;
  });

  await t.step("nobody without the secret passes for a node", async () => {
    const answer = await fetch(`${cloud.url}/invoke/f`, {
      method: "POST",
      headers: { "serverledge-request-id": "f-1", "serverledge-budget-ms": "1000" },
    });
    assert.equal((await answer.json()).code, "UNAUTHORIZED");
  });

  await t.step("a node that dies mid-request: one answer, no second execution", async () => {
    const local = invoke(one, { sleep: 2 });
    await eventually("busy", async () => (await get(`${one.url}/status`)).body.Running === 1);
    const away = invoke(one, { sleep: 30 });
    await eventually("away", async () => (await get(`${cloud.url}/status`)).body.Running === 1);
    await cloud.kill();
    const { status, body } = await away;
    assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"]);
    assert.equal((await local).status, 200);
  });

  await t.step("the dead node is no longer chosen, its successor is", async () => {
    await sees(one, ["edge-2"]);
    const local = invoke(one, { sleep: 1 });
    await eventually("busy", async () => (await get(`${one.url}/status`)).body.Running === 1);
    const waited = await invoke(one);
    assert.equal(waited.body.ExecutionNode, "edge-1", JSON.stringify(waited.body));
    await local;
    await using _again = await member(etcd, "cloud-1", "CLOUD", "default", 512);
    await sees(one, ["edge-2", "cloud-1"]);
  });

  await t.step(
    "etcd and the cloud away: neighbours go on, and the node says what it lacks",
    async () => {
      await etcd.kill();
      await eventually("it says so", async () => {
        const { status, body } = await get(`${near.url}/healthz`);
        const told = body.Problems.map((problem: string) => problem.split(":")[0]).sort();
        return status === 200 && body.Status === "degraded" && told.join() === "cloud,registry";
      });
      const local = invoke(near, { sleep: 1 });
      await eventually("busy", async () => (await get(`${near.url}/status`)).body.Running === 1);
      assert.equal((await invoke(near)).body.ExecutionNode, "edge-1");
      await local;
    },
  );
});
