import assert from "node:assert/strict";
import { type Answer, get, post, python } from "../support/client.ts";
import { becomesIdle, clears, Continuum, invoke, type Member, runs } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

/** Tells how many came before. */
const counter = `
import time
turns = 0
def f(params, context):
    global turns
    time.sleep((params or {}).get("sleep", 0))
    turns += 1
    return turns
`;

/** Lets requests line up one after the other. */
async function lineUp(node: Member, requests: readonly object[]): Promise<Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (const request of requests) {
    answers.push(invoke(node, {}, request));
    await eventually(
      "it waits",
      async () => (await get(`${node.url}/status`)).body.QueueLength === answers.length,
    );
  }
  return answers;
}

/** Turns in which requests were served, from 1. */
async function turns(answers: readonly Promise<Answer>[], before: number): Promise<number[]> {
  return (await Promise.all(answers)).map(({ body }) => Number(body.Result) - before);
}

Deno.test("classes share a busy node by their weights, and none starves", async (t) => {
  await using world = await Continuum.start();
  const node = await world.join("node", "EDGE", {
    "qos.sensitive.id": 1,
    "qos.sensitive.weight": 4,
    "qos.sensitive.limit": 20,
    "qos.batch.id": 2,
    "qos.batch.weight": 1,
  });
  await post(`${node.url}/create`, await python("f", counter));
  let served = Number((await invoke(node)).body.Result);
  const busy = async (seconds: number) => {
    const answer = invoke(node, { sleep: seconds });
    await runs(node, 1);
    served++;
    return answer;
  };
  const repeated = (request: object, count: number) => Array.from({ length: count }, () => request);

  await t.step("by weight: four requests of one class for each request of the other", async () => {
    const first = busy(2.5);
    await runs(node, 1);
    const answers = await lineUp(node, [
      ...repeated({ QoSClass: "batch" }, 4),
      ...repeated({ QoSClass: 1 }, 8),
    ]);
    const order = await turns(answers, served);
    await first;
    served += answers.length;
    const [batch, sensitive] = [order.slice(0, 4), order.slice(4)];
    assert.deepEqual(batch.toSorted((a, b) => a - b), batch, "first come, first served");
    assert.deepEqual(sensitive.toSorted((a, b) => a - b), sensitive);
    assert.equal(sensitive.filter((turn) => turn <= 5).length, 4, `${order}`);
    assert.equal(batch.filter((turn) => turn <= 5).length, 1, `${order}`);
    assert(Math.max(...sensitive) <= 10, `${order}`);
  });

  await t.step("within a class the earliest deadline is first", async () => {
    const first = busy(1);
    await runs(node, 1);
    const answers = await lineUp(node, [30, 10, 20].map((QoSMaxRespT) => ({ QoSMaxRespT })));
    assert.deepEqual(await turns(answers, served), [3, 1, 2]);
    await first;
    served += answers.length;
  });

  await t.step("a request that can no longer meet its deadline is rejected at once", async () => {
    const first = busy(1);
    await runs(node, 1);
    // Executions of a second are what was measured last.
    await first;
    const second = busy(1);
    await runs(node, 1);
    const { status, body } = await invoke(node, {}, { QoSMaxRespT: 0.001 });
    assert.deepEqual([status, body.code], [429, "NODE_SATURATED"]);
    await second;
  });

  await t.step("metrics distinguish the classes", async () => {
    await becomesIdle(node);
    const { body: metrics } = await get(`${node.url}/metrics`);
    const count = (qosClass: string) =>
      Number(
        new RegExp(
          `^serverledge_class_requests_total\\{class="${qosClass}",place="local",in_time="true"\\} (\\d+)`,
          "m",
        ).exec(metrics)?.[1],
      );
    assert.equal(count("sensitive"), 8);
    assert.equal(count("batch"), 4);
    assert.match(metrics, /^serverledge_response_seconds_count\{class="sensitive"\} 8$/m);
    const classes = Map.groupBy(await world.audit(), (written) => written.class);
    assert.deepEqual([classes.get("sensitive")!.length, classes.get("batch")!.length], [8, 4]);
    await clears(node, "f");
  });
});
