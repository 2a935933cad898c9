import assert from "node:assert/strict";
import type { NodeView, RequestFacts } from "../lib/policy/contract.ts";
import { cloudOf, peerOf, requestOf, viewOf } from "../tests/contract/policy.ts";
import { policies } from "./mod.ts";

/** A decision in one word: its kind, the target of an offload, or the code of a rejection. */
function decide(name: string, request: Partial<RequestFacts>, view: Partial<NodeView>): string {
  const policy = policies[name]!({ random: () => 0, now: () => 0, settings: {} });
  const decision = policy.decide(requestOf(request), viewOf(view));
  if (decision.kind === "offload") return decision.to;
  return decision.kind === "reject" ? decision.code : decision.kind;
}

const busy: Partial<NodeView> = { warm: false, canStart: false, queueLength: 3 };
const measured = { executionMs: 100, startMs: 400, coldShare: 0 };

Deno.test("default: runs, waits, or rejects by the room there is", () => {
  assert.equal(decide("default", {}, {}), "run");
  assert.equal(decide("default", {}, busy), "wait");
  assert.equal(decide("default", {}, { ...busy, queueLength: 10 }), "NODE_SATURATED");
  assert.equal(decide("default", {}, { supported: false, cloud: cloudOf() }), "NO_SUITABLE_NODE");
});

Deno.test("default: rejects a request whose response would be late", () => {
  const view = { ...busy, queueWaitMs: 250, local: measured };
  assert.equal(decide("default", { budgetMs: 350 }, view), "wait");
  assert.equal(decide("default", { budgetMs: 349 }, view), "NODE_SATURATED");
});

Deno.test("default: keeps a waiting request while its execution can still be in time", () => {
  const view = { ...busy, queueLength: 20, queueWaitMs: 250, local: measured };
  assert.equal(decide("default", { budgetMs: 100, waited: true }, view), "wait");
  assert.equal(decide("default", { budgetMs: 99, waited: true }, view), "NODE_SATURATED");
});

Deno.test("edgeonly: runs while the queue is empty, then offloads to peers", () => {
  const peers = [peerOf()];
  assert.equal(decide("edgeonly", {}, { peers }), "run");
  assert.equal(decide("edgeonly", {}, { peers, queueLength: 1 }), "peer");
  assert.equal(decide("edgeonly", {}, { ...busy, peers }), "peer");
  assert.equal(decide("edgeonly", {}, { queueLength: 1 }), "run");
  assert.equal(decide("edgeonly", { canOffload: false }, { ...busy, peers }), "wait");
});

Deno.test("edgeonly: skips peers without room or a recent status, and the cloud", () => {
  const peers = [
    peerOf({ id: "small", availableMemoryMib: 127 }),
    peerOf({ id: "silent", ageMs: Infinity }),
    peerOf({ id: "slow", freeCpu: 0.5 }),
    peerOf({ id: "above", isCloud: true }),
  ];
  assert.equal(decide("edgeonly", { cpu: 1 }, { ...busy, peers, cloud: cloudOf() }), "wait");
  const fit = [...peers, peerOf({ id: "warm", availableMemoryMib: 0, warm: true })];
  assert.equal(decide("edgeonly", { cpu: 1 }, { ...busy, peers: fit }), "warm");
});

Deno.test("edgeonly: offloads to a peer without the image only if no node has it", () => {
  const without = peerOf({ id: "without", imageMissing: true });
  const having = peerOf({ id: "having", rttMs: 50 });
  const lacking = { ...busy, imageMissing: true };
  assert.equal(decide("edgeonly", {}, { ...lacking, peers: [without, having] }), "having");
  assert.equal(decide("edgeonly", {}, { ...busy, peers: [without] }), "wait");
  assert.equal(decide("edgeonly", {}, { ...lacking, peers: [without] }), "without");
  const full = { ...having, availableMemoryMib: 0 };
  assert.equal(decide("edgeonly", {}, { ...lacking, peers: [without, full] }), "wait");
});

Deno.test("policies: offload a request whose image is missing here, and fetch the image", () => {
  const peers = [peerOf()];
  const cloud = cloudOf();
  const lacking = viewOf({ imageMissing: true, peers, cloud });
  const ask = (name: string, view: NodeView) =>
    policies[name]!({ random: () => 0, now: () => 0, settings: {} }).decide(requestOf(), view);
  for (
    const [name, to] of [["edgeonly", "peer"], ["edgecloud", "cloud"], ["qosaware", "cloud"], [
      "probabilistic",
      "peer",
    ]]
  ) {
    assert.deepEqual(ask(name!, lacking), { kind: "offload", to, fetchImage: true }, name);
    assert.equal(ask(name!, viewOf({ peers, cloud })).kind, "run", name);
    const nobody = {
      peers: [peerOf({ imageMissing: true })],
      cloud: cloudOf({ imageMissing: true }),
    };
    assert.equal(ask(name!, { ...lacking, ...nobody }).kind, "run", name);
  }
  // A node without room fetches no image.
  const none = viewOf({ imageMissing: true, canStart: false, peers, cloud });
  assert.deepEqual(ask("edgecloud", none), { kind: "offload", to: "cloud" });
  assert.equal(ask("default", lacking).kind, "run");
});

Deno.test("cloudonly: runs nothing here", () => {
  assert.equal(decide("cloudonly", {}, { warm: true, cloud: cloudOf() }), "cloud");
  assert.equal(decide("cloudonly", {}, { warm: true, peers: [peerOf()] }), "NO_SUITABLE_NODE");
  const view = { warm: true, cloud: cloudOf() };
  assert.equal(decide("cloudonly", { canOffload: false }, view), "NO_SUITABLE_NODE");
});

Deno.test("edgecloud: runs here while there is room, then offloads to the cloud, then waits", () => {
  const cloud = cloudOf();
  assert.equal(decide("edgecloud", {}, { cloud }), "run");
  assert.equal(decide("edgecloud", {}, { ...busy, cloud }), "cloud");
  assert.equal(decide("edgecloud", {}, { supported: false, cloud }), "cloud");
  assert.equal(decide("edgecloud", { canOffload: false }, { ...busy, cloud }), "wait");
  assert.equal(decide("edgecloud", {}, { ...busy, queueLength: 10 }), "NODE_SATURATED");
});
