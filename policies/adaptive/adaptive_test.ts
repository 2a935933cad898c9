import assert from "node:assert/strict";
import type { NodeView, PeerView, RequestFacts } from "../../lib/policy/contract.ts";
import {
  cloudOf,
  outcomeOf,
  peerOf,
  qosClassOf,
  requestOf,
  viewOf,
} from "../../tests/contract/policy.ts";
import { Adaptive } from "./adaptive.ts";

const urgent = qosClassOf({ name: "urgent", id: 1, limit: 0.5 });

/** A policy with a fake clock, and functions that ask it. */
function setUp(settings: Record<string, number> = {}) {
  let now = 0;
  let count = 0;
  const policy = new Adaptive({ random: () => 0.5, now: () => now, settings });
  const ask = (facts: Partial<RequestFacts>, view: NodeView) => {
    const request = requestOf({ id: `f-${count++}`, qosClass: urgent, budgetMs: 500, ...facts });
    return { request, decision: policy.decide(request, view) };
  };
  /** Asks once and reports the outcome. */
  const live = (
    view: NodeView,
    outcome: Parameters<typeof outcomeOf>[0],
    facts: Partial<RequestFacts> = {},
  ) => {
    const { request, decision } = ask(facts, view);
    now += 100;
    policy.observe(request, outcomeOf(outcome));
    return decision;
  };
  return { policy, ask, live, pass: (ms: number) => now += ms };
}

const here = { executionMs: 100, delayMs: 0 };
const there = (node: string, executionMs: number) => ({
  place: "edge" as const,
  node,
  executionMs,
  delayMs: 0,
  networkMs: 10,
  remoteTotalMs: executionMs + 10,
});

Deno.test("Adaptive: runs on a warm instance here, else offloads to a peer that has one", () => {
  const { live, ask } = setUp();
  const warm = viewOf({ warm: true, peers: [peerOf({ warm: true })] });
  for (let i = 0; i < 20; i++) assert.deepEqual(live(warm, here), { kind: "run" });
  const cold = viewOf({ peers: [peerOf({ warm: true })] });
  assert.deepEqual(ask({}, cold).decision, { kind: "offload", to: "peer" });
});

Deno.test("Adaptive: avoids a peer that slows down although its status does not change", () => {
  const { live, ask } = setUp();
  const peers = [peerOf({ id: "one", warm: true }), peerOf({ id: "two", warm: true })];
  const view = viewOf({ peers });
  for (let i = 0; i < 10; i++) live(viewOf({ warm: true }), here);
  for (let i = 0; i < 40; i++) live(viewOf({ peers: [peers[0]!] }), there("one", 100));
  for (let i = 0; i < 40; i++) live(viewOf({ peers: [peers[1]!] }), there("two", 100));
  for (let i = 0; i < 20; i++) {
    live(viewOf({ peers: [peers[0]!] }), {
      place: "edge",
      node: "one",
      inTime: false,
      code: "DEADLINE_EXCEEDED",
      responseMs: 500,
      remoteTotalMs: 500,
    });
  }
  assert.deepEqual(ask({}, view).decision, { kind: "offload", to: "two" });
});

Deno.test("Adaptive: avoids a peer that refuses a class, and tries it again after some time", () => {
  const { policy, ask, live, pass } = setUp();
  const view = viewOf({ canStart: false, peers: [peerOf({ warm: true })], queueWaitMs: 395 });
  for (let i = 0; i < 30; i++) live(viewOf({ warm: true }), here);
  for (let i = 0; i < 10; i++) {
    const { request, decision } = ask({}, view);
    if (decision.kind !== "offload") break;
    policy.refused(request, { node: "peer", code: "NODE_SATURATED", remoteTotalMs: 10 });
  }
  assert.equal(ask({}, view).decision.kind, "wait");
  pass(60_000);
  assert.equal(ask({}, view).decision.kind, "offload");
});

Deno.test("Adaptive: keeps the waits of classes at a peer apart", () => {
  const { live, ask } = setUp();
  const patient = qosClassOf({ name: "patient", id: 5, utility: 0.1 });
  const peers = [peerOf({ warm: true })];
  const view = viewOf({ canStart: false, queueWaitMs: 395, peers });
  for (let i = 0; i < 10; i++) live(viewOf({ warm: true }), here);
  const away = viewOf({ supported: false, peers });
  const long = { ...there("peer", 100), delayMs: 3000, remoteTotalMs: 3110 };
  for (let i = 0; i < 20; i++) live(away, long, { qosClass: patient, budgetMs: Infinity });
  assert.deepEqual(ask({}, view).decision, { kind: "offload", to: "peer" });
});

Deno.test("Adaptive: prices a peer's memory like local memory of the same occupancy", () => {
  const { policy, live, ask } = setUp();
  const batch = qosClassOf({ name: "batch", id: 4, utility: 0.5 });
  const cloud = cloudOf({ warm: true });
  const neighbour = (availableMemoryMib: number) => peerOf({ warm: true, availableMemoryMib });
  const batchGoesTo = (peer: PeerView) => {
    const view = viewOf({ supported: false, peers: [peer], cloud });
    const { decision } = ask({ qosClass: batch, budgetMs: 60_000 }, view);
    return decision.kind === "offload" ? decision.to : decision.kind;
  };
  assert.equal(batchGoesTo(neighbour(1024)), "peer");
  assert.equal(batchGoesTo(neighbour(50)), "peer", "no losses observed yet");
  const nearlyFull = viewOf({ warm: true, availableMemoryMib: 50 });
  for (let i = 0; i < 40; i++) {
    const { request } = ask({}, nearlyFull);
    live(viewOf({ canStart: false, queueLength: 10, availableMemoryMib: 50 }), { inTime: false });
    policy.observe(request, outcomeOf(here));
  }
  assert.equal(batchGoesTo(neighbour(50)), "cloud");
  assert.equal(batchGoesTo(neighbour(1024)), "peer");
});

Deno.test("Adaptive: keeps the cost of the cloud within the budget, late responses included", () => {
  const late = {
    inTime: false,
    code: "DEADLINE_EXCEEDED" as const,
    executionMs: NaN,
    remoteTotalMs: 500,
  };
  for (const [seconds, end] of [[0.1, {}], [0.5, late]] as const) {
    const { policy, ask, pass } = setUp({ budget: 20, cost: 1 });
    const view = viewOf({ supported: false, cloud: cloudOf({ warm: true }) });
    let paid = 0;
    for (let second = 0; second < 3600; second++) {
      pass(1000);
      const { request, decision } = ask({ memoryMib: 1024 }, view);
      if (decision.kind !== "offload") continue;
      paid += seconds;
      policy.observe(request, outcomeOf({ ...there("cloud", 100), place: "cloud", ...end }));
    }
    assert(paid > 16 && paid < 22, `paid ${paid}`);
  }
});

Deno.test("Adaptive: charges a missing response with the time passed, also without a limit", () => {
  const { policy, live, ask } = setUp({ budget: 3600, cost: 1 });
  const patient = qosClassOf({ name: "patient", id: 5 });
  const view = viewOf({ supported: false, cloud: cloudOf({ warm: true }) });
  const facts = { qosClass: patient, budgetMs: Infinity, memoryMib: 1024 };
  const cloud = { place: "cloud" as const, node: "cloud" };
  live(view, { ...there("cloud", 100), ...cloud }, facts);
  live(view, { ...cloud, code: "DEADLINE_EXCEEDED", inTime: false, remoteTotalMs: 5000 }, facts);
  const { functions, budget } = policy.explain().estimates;
  assert.equal(budget![0]!.spent, 5.1);
  assert(Number(functions![0]!.executionMs) > 100, "it took 5 s at least");
  assert.equal(ask(facts, view).decision.kind, "offload");
});

Deno.test("Adaptive: offloads a request without a limit to an idle cloud rather than let it wait", () => {
  const patient = qosClassOf({ name: "patient", id: 5 });
  const facts = { qosClass: patient, budgetMs: Infinity };
  const cloud = cloudOf({ warm: true, rttMs: 100 });
  const goes = (view: Partial<NodeView>, settings = {}) => {
    const { live, ask } = setUp(settings);
    for (let i = 0; i < 20; i++) live(viewOf({ warm: true }), here, facts);
    return ask(facts, viewOf({ canStart: false, cloud, ...view })).decision;
  };
  assert.deepEqual(goes({ queueWaitMs: 25_000 }), { kind: "offload", to: "cloud" });
  assert.deepEqual(goes({ queueWaitMs: 25_000, cloud: undefined }), { kind: "wait" });
  assert.deepEqual(goes({ queueWaitMs: 20 }), { kind: "wait" }, "the network takes longer");
  assert.deepEqual(goes({ warm: true }), { kind: "run" });
  assert.deepEqual(goes({ queueWaitMs: 25_000 }, { budget: 0 }), { kind: "wait" }, "unpaid");
});

Deno.test("Adaptive: explains a rejection of the only option by the budget", () => {
  const { policy, ask, live } = setUp({ budget: 0 });
  for (let i = 0; i < 20; i++) live(viewOf({ warm: true }), here);
  const cloud = cloudOf({ warm: true });
  assert.equal(ask({}, viewOf({ supported: false, cloud })).decision.kind, "reject");
  const { reason } = policy.explain().decisions[0]!;
  assert.match(reason, /no option has a nonnegative score within the budget; others: cloud: /);
});

Deno.test("Adaptive: rejects no request without a limit, however long the wait", () => {
  const strict = qosClassOf({ name: "strict", id: 5, penalty: 5 });
  const { ask } = setUp();
  const view = viewOf({ canStart: false, queueWaitMs: 1e9 });
  assert.deepEqual(ask({ qosClass: strict, budgetMs: Infinity }, view).decision, { kind: "wait" });
});

Deno.test("Adaptive: rejects a request whose expected penalty exceeds its utility", () => {
  const { live, ask } = setUp();
  const strict = qosClassOf({ name: "strict", id: 2, limit: 0.5, penalty: 5 });
  for (let i = 0; i < 50; i++) live(viewOf({ warm: true }), { executionMs: 450 });
  const { decision } = ask({ qosClass: strict, budgetMs: 200 }, viewOf({ warm: true }));
  assert.deepEqual(decision, { kind: "reject", code: "NODE_SATURATED" });
});

Deno.test("Adaptive: does not evict a valuable warm instance for a request of low utility", () => {
  const { policy, live, ask } = setUp();
  const cheap = qosClassOf({ name: "cheap", id: 3, utility: 0.001 });
  const start = viewOf({ freeMemoryMib: 0 });
  assert.equal(ask({ qosClass: cheap, budgetMs: 2000 }, start).decision.kind, "run");
  for (let i = 0; i < 60; i++) {
    const { request } = ask({}, viewOf({ warm: true }));
    live(start, { code: "DEADLINE_EXCEEDED", inTime: false, responseMs: 500 });
    policy.observe(request, outcomeOf(here));
  }
  assert.equal(ask({ qosClass: cheap, budgetMs: 2000 }, start).decision.kind, "reject");
});

Deno.test("Adaptive: applies completion constraints to its own requests, not to forwarded ones", () => {
  const constrained = { ...urgent, completion: 0.9, penalty: 1 };
  const late = { executionMs: 450 };
  const refusals = (forwarded: boolean) => {
    const { ask, live, policy } = setUp();
    for (let i = 0; i < 40; i++) live(viewOf({ warm: true }), late);
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      const facts = { qosClass: constrained, budgetMs: 100, forwarded };
      const { request, decision } = ask(facts, viewOf({ warm: true }));
      if (decision.kind === "reject") refused++;
      const place = decision.kind === "reject" ? "nowhere" : "local";
      policy.observe(request, outcomeOf({ place, inTime: false }));
    }
    return refused;
  };
  assert.equal(refusals(true), 200);
  assert(refusals(false) < 100);
});

Deno.test("Adaptive: explains acceptance and cold-start probabilities and class bonuses", () => {
  const { policy, ask, live } = setUp();
  const constrained = qosClassOf({ name: "constrained", id: 6, utility: 0.01, completion: 0.5 });
  const away = viewOf({ supported: false, peers: [peerOf()] });
  for (let i = 0; i < 20; i++) live(away, { ...there("peer", 100), cold: false });
  const { request } = ask({ qosClass: constrained }, away);
  policy.refused(request, { node: "peer", code: "NODE_SATURATED", remoteTotalMs: 10 });
  const { acceptance, coldStarts, completion } = policy.explain().estimates;
  const byClass = Object.fromEntries(
    acceptance!.map((row) => [row.class, Number(row.probability)]),
  );
  assert(byClass.urgent! > 0.9 && byClass.constrained! < 0.6, JSON.stringify(byClass));
  assert.equal(coldStarts![0]!.function, "f");
  assert(Number(coldStarts![0]!.otherwise) < 0.5, "it was warm each time");
  assert.equal(completion![0]!.class, "constrained");
});

Deno.test("Adaptive: explains its estimates and its last decisions", () => {
  const { policy, live } = setUp();
  for (let i = 0; i < 100; i++) live(viewOf({ warm: true, peers: [peerOf()] }), here);
  const { estimates, decisions } = policy.explain();
  assert.deepEqual(estimates.functions, [
    {
      function: "f",
      executionMs: 100,
      startHereMs: null,
      startElsewhereMs: null,
      warmPricePerS: 0,
    },
  ]);
  assert.equal(estimates.nodes![0]!.node, "peer");
  assert.equal(decisions.length, 50, "bounded");
  assert.equal(decisions[0]!.agoMs, 100);
  assert.deepEqual(decisions[0]!.decision, { kind: "run" });
  assert.match(decisions[0]!.reason, /500 ms left; best is warm here: .* others: peer: /);
});
