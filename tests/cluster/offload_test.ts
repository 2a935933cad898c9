import assert from "node:assert/strict";
import { get, post, python } from "../support/client.ts";
import {
  Continuum,
  invoke,
  knows,
  knowsFree,
  type Member,
  runs,
  sees,
  sleeper,
  waits,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { runToEnd } from "../support/process.ts";

/** Occupies the only instance of a node for a while. */
async function occupied(node: Member, seconds: number): Promise<() => Promise<void>> {
  const answer = invoke(node, { sleep: seconds }, { CanDoOffloading: false });
  await runs(node, 1);
  return async () => {
    const { body } = await answer;
    assert.equal(body.ExecutionNode, node.id, JSON.stringify(body));
  };
}

Deno.test("an edge zone and a cloud region", async (t) => {
  await using world = await Continuum.start();
  const [one, near, cloud] = await Promise.all([
    world.join("edge-1", "EDGE", { "scheduler.policy": "edgecloud" }),
    world.join("edge-2", "EDGE", { "scheduler.policy": "edgeonly" }),
    world.join("cloud-1", "CLOUD", { "container.pool.memory": 512 }),
  ]);
  await sees(one, [near, cloud]);
  await sees(near, [one, cloud]);
  await post(`${one.url}/create`, await python("f", sleeper));
  await post(`${one.url}/create`, await python("same", "def f(params, context): return params"));
  for (const node of [near, cloud]) {
    await knows(node, "f");
    await knows(node, "same");
  }

  await t.step("the command line shows areas, nodes, and the way to the cloud", async () => {
    await knowsFree(one, near);
    const { code, stdout } = await one.cli(["nodes", "--json"]);
    assert.equal(code, 0);
    const { Nodes } = JSON.parse(stdout);
    const reported = (id: string) =>
      Nodes.find(({ Id }: { Id: string }) => Id === id) as Record<string, unknown>;
    assert.deepEqual([reported(one.id).Self, reported(one.id).Area], [true, "EDGE"]);
    assert.deepEqual([reported(near.id).Reachable, reported(near.id).IsCloudTarget], [true, false]);
    assert.deepEqual([reported(cloud.id).Area, reported(cloud.id).IsCloudTarget], ["CLOUD", true]);
    assert((reported(near.id).RttMs as number) > 0 && (reported(near.id).AgeMs as number) >= 0);
    assert.deepEqual([reported(near.id).AvailableMemory, reported(near.id).TotalMemory], [64, 64]);
  });

  await t.step("vertical: a busy node offloads to the cloud", async () => {
    const free = await occupied(one, 1.5);
    const { status, body } = await invoke(one);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.ExecutionNode, body.ExecutionArea], [cloud.id, "CLOUD"]);
    assert(body.OffloadLatency >= 0);
    // No double holds it; nobody on the way parses it.
    const Params = '{"id": 9007199254740993}';
    const sent = await fetch(`${one.url}/invoke/same`, {
      method: "POST",
      body: `{"Params":${Params},"CanDoOffloading":true}`,
    });
    const { Result, ExecutionNode } = await sent.json();
    assert.deepEqual([Result, ExecutionNode], [Params, cloud.id]);
    await free();
  });

  await t.step(
    "a request that allows offloading is offloaded, one that forbids it is not",
    async () => {
      const free = await occupied(one, 2);
      const curl = (url: string, body: string) =>
        runToEnd(["curl", "--silent", `${url}/invoke/f`, "-d", body]);
      const { stdout } = await curl(one.url, '{"Params": {"name": "Ada"}}');
      assert.equal(JSON.parse(stdout).ExecutionNode, cloud.id, stdout);
      const limited = '{"QoSMaxRespT": 0.2, "CanDoOffloading": false}';
      const refused = JSON.parse((await curl(one.url, limited)).stdout);
      assert.match(refused.message, /Other nodes were not considered, because CanDoOffloading/);
      const metrics = await (await fetch(`${one.url}/metrics`)).text();
      assert.match(metrics, /^serverledge_offload_forbidden_total\{function="f"\} 1$/m);
      await free();
    },
  );

  await t.step("horizontal: a busy node offloads to its neighbour", async () => {
    await knowsFree(near, one);
    const free = await occupied(near, 1.5);
    const { status, body } = await invoke(near);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.ExecutionNode, one.id);
    await free();
  });

  await t.step("a waiting request is offloaded to the neighbour that is free first", async () => {
    const oneFree = await occupied(one, 2);
    const nearFree = await occupied(near, 5);
    await eventually("the neighbour's load is known", async () => {
      const { Nodes } = (await get(`${near.url}/nodes`)).body;
      return Nodes.some(({ Id, Running }: Record<string, unknown>) =>
        Id === one.id && Running === 1
      );
    });
    const waiting = invoke(near);
    await waits(near, 1);
    await oneFree();
    const { status, body } = await waiting;
    assert.deepEqual([status, body.ExecutionNode], [200, one.id], JSON.stringify(body));
    await nearFree();
  });

  await t.step(
    "an asynchronous invocation keeps its id and can be polled at any node",
    async () => {
      const free = await occupied(one, 1.5);
      const { body: { ReqId: id } } = await invoke(one, {}, { Async: true });
      for (const node of [one, near]) {
        await eventually(
          "it is done",
          async () => (await get(`${node.url}/poll/${id}`)).status === 200,
        );
        assert.equal((await get(`${node.url}/poll/${id}`)).body.ExecutionNode, cloud.id);
      }
      await free();
    },
  );

  await t.step("a request restricted to the area stays there", async () => {
    const free = await occupied(one, 1);
    const { status, body } = await invoke(one, {}, { Locality: "area" });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.ExecutionArea, "EDGE");
    await free();
  });

  await t.step("without the secret nobody can pose as a node", async () => {
    const answer = await fetch(`${cloud.url}/invoke/f`, {
      method: "POST",
      headers: { "serverledge-request-id": "f-1", "serverledge-budget-ms": "1000" },
    });
    assert.equal((await answer.json()).code, "UNAUTHORIZED");
  });

  await t.step("a node that dies during a request: one response, no second execution", async () => {
    const free = await occupied(one, 2);
    const away = invoke(one, { sleep: 30 });
    await runs(cloud, 1);
    await cloud.kill();
    const { status, body } = await away;
    assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"]);
    await free();
  });

  await t.step("the dead node is no longer chosen, its successor is", async () => {
    await sees(one, [near]);
    const free = await occupied(one, 1);
    const waited = await invoke(one);
    assert.equal(waited.body.ExecutionNode, one.id, JSON.stringify(waited.body));
    await free();
    const again = await world.join("cloud-1", "CLOUD", { "container.pool.memory": 512 });
    await sees(one, [near, again]);
    const busy = await occupied(one, 1.5);
    assert.equal((await invoke(one)).body.ExecutionNode, again.id);
    await busy();
    await again.kill();
  });

  await t.step(
    "without etcd and cloud the neighbours continue, and the node reports the problems",
    async () => {
      await world.etcd.kill();
      await eventually("it says so", async () => {
        const { status, body } = await get(`${near.url}/healthz`);
        const reported = body.Problems.map((problem: string) => problem.split(":")[0]).sort();
        return status === 200 && body.Status === "degraded" && reported.join() === "cloud,registry";
      });
      await knowsFree(near, one);
      const free = await occupied(near, 1);
      assert.equal((await invoke(near)).body.ExecutionNode, one.id);
      await free();
    },
  );

  await t.step("nothing ran twice", () => world.audit().then(() => {}));
});
