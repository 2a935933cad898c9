import assert from "node:assert/strict";
import { ServerledgeError } from "../lib/base/errors.ts";
import type { NodeView, PolicyContext, RequestFacts } from "../lib/policy/contract.ts";
import { cloudOf, peerOf, qosClassOf, requestOf, viewOf } from "../tests/contract/policy.ts";
import { qosAware } from "./qosaware.ts";

const sensitive = qosClassOf({ name: "interactive", id: 1, limit: 0.2 });
const heavy = qosClassOf({ name: "paid", id: 2, weight: 4 });
const bestEffort = qosClassOf();

function context(settings: PolicyContext["settings"] = {}): PolicyContext {
  return { random: () => 0, now: () => 0, settings };
}

function decide(
  request: Partial<RequestFacts>,
  view: Partial<NodeView>,
  settings: PolicyContext["settings"] = {},
): string {
  const decision = qosAware(context(settings)).decide(requestOf(request), viewOf(view));
  if (decision.kind === "offload") return decision.to;
  return decision.kind === "reject" ? decision.code : decision.kind;
}

const measured = { executionMs: 50, startMs: 300, coldShare: 0.1 };
const everywhere: Partial<NodeView> = {
  local: measured,
  remote: { executionMs: 20, startMs: 200, coldShare: 0.1 },
  peers: [peerOf()],
  cloud: cloudOf(),
};
const halfUsed = { availableMemoryMib: 512, totalMemoryMib: 1024 };

Deno.test("qosaware: runs all classes on a node that is not busy", () => {
  for (const qosClass of [sensitive, heavy, bestEffort]) {
    assert.equal(decide({ qosClass }, { ...everywhere, warm: true }), "run");
  }
});

Deno.test("qosaware: offloads best effort from a busy node to the cloud, and keeps the others", () => {
  const view = { ...everywhere, ...halfUsed, warm: true };
  assert.equal(decide({ qosClass: bestEffort }, view), "cloud");
  assert.equal(decide({ qosClass: sensitive, budgetMs: 200 }, view), "run");
  assert.equal(decide({ qosClass: heavy }, view), "run");
});

Deno.test("qosaware: takes a node with waiting requests for busy", () => {
  const view = { ...everywhere, warm: true, queueLength: 1 };
  assert.equal(decide({ qosClass: bestEffort }, view), "cloud");
});

Deno.test("qosaware: takes CPU into account where it is limited", () => {
  const view = { ...everywhere, warm: true, totalCpu: 4 };
  assert.equal(decide({ qosClass: bestEffort }, { ...view, freeCpu: 2.5 }), "run");
  assert.equal(decide({ qosClass: bestEffort }, { ...view, freeCpu: 2 }), "cloud");
});

Deno.test("qosaware: reads the busy share from its setting", () => {
  const view = { ...everywhere, ...halfUsed, warm: true };
  assert.equal(decide({}, view, { "qosaware.busy": 0.6 }), "run");
  assert.throws(() => qosAware(context({ "qosaware.busy": 2 })), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.match(error.message, /^policy\.qosaware\.busy: expected a number from 0 to 1, /);
    return true;
  });
});

Deno.test("qosaware: runs best effort on a busy node if nothing else is available", () => {
  const view = { ...everywhere, ...halfUsed, warm: true, peers: [], cloud: undefined };
  assert.equal(decide({}, view), "run");
  assert.equal(decide({}, { ...view, warm: false, canStart: false }), "wait");
  assert.equal(decide({ canOffload: false }, { ...everywhere, ...halfUsed }), "run");
});

Deno.test("qosaware: prefers the cloud to peers for best effort", () => {
  const view = { ...everywhere, ...halfUsed };
  assert.equal(decide({}, view), "cloud");
  assert.equal(decide({}, { ...view, cloud: undefined }), "peer");
});

Deno.test("qosaware: offloads to a warm peer if a start would take too long", () => {
  const request = { qosClass: sensitive, budgetMs: 200 };
  const warmPeer = peerOf({ id: "warm", warm: true });
  assert.equal(decide(request, { ...everywhere, peers: [peerOf(), warmPeer] }), "warm");
  assert.equal(decide(request, everywhere), "cloud"); // 40 + 20 + 0.1 x 200 ms
  assert.equal(decide({ ...request, budgetMs: 350 }, everywhere), "run");
});

Deno.test("qosaware: runs a request here that no place can serve in time", () => {
  const request = { qosClass: sensitive, budgetMs: 10 };
  assert.equal(decide(request, { ...everywhere, warm: true }), "run");
  const full = { ...everywhere, warm: false, canStart: false };
  assert.equal(decide(request, full), "NODE_SATURATED");
});

Deno.test("qosaware: takes the transfer of large bodies into account", () => {
  const request = { qosClass: sensitive, budgetMs: 200, inputSize: 10_000_000 };
  const view = { ...everywhere, canStart: false, peers: [peerOf({ warm: true })] };
  assert.equal(decide(request, view), "peer"); // 80 ms at 1,000 Mbit/s
  assert.equal(decide(request, view, { "bandwidth.edge": 100 }), "wait"); // 800 ms, also to the cloud
});

Deno.test("qosaware: tries places without estimates", () => {
  const request = { qosClass: sensitive, budgetMs: 45 };
  assert.equal(decide(request, {}), "run");
  assert.equal(decide(request, { canStart: false, cloud: cloudOf() }), "cloud");
  assert.equal(decide({ ...request, budgetMs: 39 }, { canStart: false, cloud: cloudOf() }), "wait");
});
