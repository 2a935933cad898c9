import assert from "node:assert/strict";
import { defaultClass } from "../model/qos.ts";
import type { Decision, NodeView, RequestFacts } from "../policy/contract.ts";
import { DecisionLog } from "./decision_log.ts";

const request = (change: Partial<RequestFacts> = {}): RequestFacts => ({
  id: "r",
  functionName: "f",
  memoryMib: 128,
  cpu: 0,
  qosClass: defaultClass,
  budgetMs: Infinity,
  inputSize: 0,
  canOffload: true,
  ...change,
});

const estimates = { executionMs: 40, startMs: NaN, coldShare: 0 };
const view = (change: Partial<NodeView> = {}) =>
  ({
    supported: true,
    warm: false,
    canStart: false,
    queueLength: 3,
    queueCapacity: 3,
    queueWaitMs: 60,
    local: estimates,
    ...change,
  }) as NodeView;

function reasonOf(facts: RequestFacts, seen: NodeView, decision: Decision): string {
  const log = new DecisionLog();
  log.add(0, facts, seen, decision);
  return log.read(0)[0]!.reason;
}

Deno.test("DecisionLog: explains each decision by what the policy saw", () => {
  const cases: [RequestFacts, NodeView, Decision, string][] = [
    [request(), view({ warm: true }), { kind: "run" }, "no limit; an instance is idle"],
    [request(), view(), { kind: "run" }, "no limit; an instance can be started"],
    [
      request({ budgetMs: 99.6, waited: true }),
      view({ queueLength: 1 }),
      { kind: "wait" },
      "100 ms left, already waiting; no instance is idle here and 1 other request waits",
    ],
    [
      request({ forwarded: true }),
      view({ imageMissing: true }),
      { kind: "offload", to: "n" },
      "no limit, from another node; its image is missing here",
    ],
    [
      request({ budgetMs: 50 }),
      view(),
      { kind: "reject", code: "NODE_SATURATED" },
      "50 ms left; no instance is idle here and 3 other requests wait; waiting and running would take 100 ms",
    ],
    [
      request(),
      view({ supported: false }),
      { kind: "reject", code: "NO_SUITABLE_NODE" },
      "no limit; this node cannot run it, and offloading is not possible",
    ],
  ];
  for (const [facts, seen, decision, reason] of cases) {
    assert.equal(reasonOf(facts, seen, decision), reason);
  }
});

Deno.test("DecisionLog: keeps the last fifty decisions, newest first", () => {
  const log = new DecisionLog();
  assert.deepEqual(log.read(0), []);
  for (let at = 0; at < 73; at++) {
    log.add(at, request({ functionName: `f${at}` }), view(), { kind: "wait" });
  }
  const decisions = log.read(100);
  assert.equal(decisions.length, 50);
  assert.deepEqual(
    [decisions[0], decisions.at(-1)].map((each) => [each!.functionName, each!.agoMs]),
    [["f72", 28], ["f23", 77]],
  );
});
