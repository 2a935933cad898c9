/**
 * Clocks that are set while nodes run: clients get their answers, in time and once.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { aimsAt, Continuum, invoke, knows, type Member, runs } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { processClock } from "../support/process_clock.ts";

const hour = 3600;

const source = `export default async (params, { node }) => {
  await new Promise((resolve) => setTimeout(resolve, params.ms ?? 0));
  return node;
};`;

async function sleeper(more: object = {}): Promise<object> {
  const TarFunctionCode = await code({ "main.js": source });
  return { Name: "f", Runtime: "deno", MemoryMB: 64, Handler: "main.js", TarFunctionCode, ...more };
}

Deno.test("a node whose clock is set an hour ahead and back responds as usual", async (t) => {
  await using clock = await processClock();
  await using node = await startNodeProcess({ env: clock.env });
  const { url } = node;
  assert.equal((await post(`${url}/create`, await sleeper({ TimeoutMs: 10_000 }))).status, 200);
  await invoke(node);
  // Two invocations are to run at the same time, and neither may have to wait for a start.
  assert.equal((await post(`${url}/prewarm`, { Function: "f", Instances: 2 })).status, 200);
  const { body: { ReqId: before } } = await invoke(node, {}, { Async: true });
  await eventually("it is done", async () => (await get(`${url}/poll/${before}`)).status === 200);

  for (const jump of [hour, -hour, 0]) {
    await t.step(`${jump} s: running invocations are neither ended nor delayed`, async () => {
      const running = invoke(node, { ms: 2000 }, { QoSMaxRespT: 8 });
      const { body: { ReqId: id } } = await invoke(node, { ms: 2000 }, { Async: true });
      await runs(node, 2);
      clock.setAhead(jump);
      const { status, body } = await running;
      assert.equal(status, 200, JSON.stringify(body));
      assert(body.ResponseTime >= 2 && body.ResponseTime < 8, `${body.ResponseTime} s`);
      assert(body.Duration >= 2 && body.QueueingTime >= 0 && body.InitTime >= 0);
      await eventually(
        "async as well",
        async () => (await get(`${url}/poll/${id}`)).status === 200,
      );
    });

    await t.step(
      `${jump} s: warm instances stay, deadlines hold, new invocations run`,
      async () => {
        const { body } = await invoke(node);
        assert.equal(body.IsWarmStart, true);
        const late = await invoke(node, { ms: 5000 }, { QoSMaxRespT: 0.3 });
        assert.deepEqual([late.status, late.body.code], [504, "DEADLINE_EXCEEDED"]);
        const wall = (await get(`${url}/status`)).body.LastUpdateTime;
        assert(Math.abs(wall - Date.now() / 1000 - jump) < 60, "the clock was set");
        assert.equal((await get(`${url}/healthz`)).body.Status, "ok");
      },
    );
  }
});

/** The mismatch that a node shows for another one. */
async function problemOf({ url }: Member, { id }: Member): Promise<string> {
  const { Nodes } = (await get(`${url}/nodes`)).body;
  return Nodes.find(({ Id }: { Id: string }) => Id === id)?.Problem ?? "";
}

Deno.test("a peer whose clock is set takes no request until it is right; clients notice nothing", async () => {
  await using world = await Continuum.start();
  await using clock = await processClock();
  const edge = await world.join("edge", "EDGE", { "scheduler.policy": "edgecloud" });
  const cloud = await world.join("cloud", "CLOUD", {}, { env: clock.env });
  await aimsAt(edge, [cloud]);
  await post(`${edge.url}/create`, await sleeper());
  await knows(cloud, "f");
  /** Where the second of two requests runs for which the edge has room one by one. */
  const second = async () => {
    const busy = invoke(edge, { ms: 1000 }, { CanDoOffloading: false });
    await runs(edge, 1);
    const { status, body } = await invoke(edge);
    assert.deepEqual([status, (await busy).status], [200, 200], JSON.stringify(body));
    return body.ExecutionNode;
  };
  assert.equal(await second(), cloud.id);
  for (const jump of [hour, -hour]) {
    const [here, there] = jump > 0 ? ["ahead of", "behind"] : ["behind", "ahead of"];
    clock.setAhead(jump);
    // It is sent there, as nothing is known yet.
    assert.equal(await second(), edge.id);
    const rejection =
      `it rejects requests of this node: Node ${cloud.id} declined the request: The clock of node ` +
      `${edge.id} is 3600 s ${there} that of node ${cloud.id}`;
    await eventually("it says why", async () => (await problemOf(edge, cloud)).includes(rejection));
    await eventually("both notice it", async () => {
      const [one, other] = [await problemOf(edge, cloud), await problemOf(cloud, edge)];
      return one.includes(`3600 s ${here} this node's`) &&
        other.includes(`3600 s ${there} this node's`);
    });
    assert.equal(await second(), edge.id);
    clock.setAhead(0);
    await aimsAt(edge, [cloud]);
    await eventually("it takes requests again", async () => await second() === cloud.id);
    await eventually("nothing is wrong", async () => await problemOf(edge, cloud) === "");
  }
  await world.audit();
});
