/**
 * What every policy promises, whatever it prefers: suites that any policy must pass.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { QosClass } from "../../lib/model/qos.ts";
import type {
  Decision,
  Estimates,
  NodeView,
  Outcome,
  PeerView,
  PolicyFactory,
  RequestFacts,
} from "../../lib/policy/contract.ts";
import { decideInTurn, type Situation } from "../../policies/replay.ts";

/** Makes a class of service; fields that are not given have their defaults. */
export function qosClassOf(facts: Partial<QosClass> = {}): QosClass {
  return {
    name: "default",
    id: 0,
    utility: 1,
    penalty: 0,
    limit: 0,
    completion: 0,
    weight: 1,
    ...facts,
  };
}

/** Makes a request of which only the relevant facts are given; by default it has no deadline. */
export function requestOf(facts: Partial<RequestFacts> = {}): RequestFacts {
  return {
    id: "f-1",
    functionName: "f",
    memoryMib: 128,
    cpu: 0,
    qosClass: qosClassOf(),
    budgetMs: Infinity,
    inputSize: 0,
    canOffload: true,
    ...facts,
  };
}

/** Estimates of a node that has measured nothing. */
export const unmeasured: Estimates = { executionMs: NaN, startMs: NaN, coldShare: NaN };

/** Makes the view of a node of which only the relevant facts are given; by default it is idle, cold and alone. */
export function viewOf(facts: Partial<NodeView> = {}): NodeView {
  return {
    supported: true,
    warm: false,
    canStart: true,
    queueLength: 0,
    queueCapacity: 10,
    queueWaitMs: 0,
    availableMemoryMib: 1024,
    freeMemoryMib: 1024,
    totalMemoryMib: 1024,
    local: unmeasured,
    remote: unmeasured,
    peers: [],
    cloud: undefined,
    ...facts,
  };
}

/** Makes a peer of which only the relevant facts are given; by default it is near, free and cold. */
export function peerOf(facts: Partial<PeerView> = {}): PeerView {
  return {
    id: "peer",
    area: "edge",
    isCloud: false,
    rttMs: 2,
    ageMs: 0,
    availableMemoryMib: 1024,
    freeCpu: 4,
    queueLength: 0,
    warm: false,
    ...facts,
  };
}

/** Makes the cloud of which only the relevant facts are given; by default it is far and has room for everything. */
export function cloudOf(facts: Partial<PeerView> = {}): PeerView {
  return peerOf({
    id: "cloud",
    area: "cloud",
    isCloud: true,
    rttMs: 40,
    availableMemoryMib: Infinity,
    freeCpu: Infinity,
    ...facts,
  });
}

/** Makes an outcome of which only the relevant facts are given; by default it is in time, local and after 1 ms. */
export function outcomeOf(facts: Partial<Outcome> = {}): Outcome {
  return {
    place: "local",
    inTime: true,
    responseMs: 1,
    code: "OK",
    node: "",
    executionMs: NaN,
    delayMs: NaN,
    cold: false,
    networkMs: NaN,
    remoteTotalMs: NaN,
    ...facts,
  };
}

const quantity = fc.oneof(
  fc.constantFrom(0, Infinity),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
);
const estimate = fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1e5, noNaN: true }));
const share = fc.double({ min: 0, max: 1, noNaN: true });
const estimates: fc.Arbitrary<Estimates> = fc.record({
  executionMs: estimate,
  startMs: estimate,
  coldShare: fc.oneof(fc.constant(NaN), share),
});
const place = {
  rttMs: quantity,
  ageMs: quantity,
  availableMemoryMib: quantity,
  freeCpu: quantity,
  queueLength: fc.nat(1000),
  warm: fc.boolean(),
  imageMissing: fc.boolean(),
};
const peers: fc.Arbitrary<PeerView[]> = fc.array(
  fc.record({ ...place, area: fc.constant("edge"), isCloud: fc.constant(false) }),
  { maxLength: 8, size: "max" },
).map((list) => list.map((peer, at) => ({ ...peer, id: `peer-${at}` })));
const cloud: fc.Arbitrary<PeerView> = fc.record({
  ...place,
  id: fc.constant("cloud"),
  area: fc.constant("cloud"),
  isCloud: fc.constant(true),
});

/** Any moment at all. */
export const situations: fc.Arbitrary<Situation> = fc.record({
  request: fc.record({
    id: fc.constantFrom("f-1", "f-2"),
    functionName: fc.constantFrom("f", "g"),
    memoryMib: fc.integer({ min: 1, max: 4096 }),
    cpu: fc.double({ min: 0, max: 8, noNaN: true }),
    qosClass: fc.record({
      name: fc.string(),
      id: fc.nat(5),
      utility: quantity,
      penalty: quantity,
      limit: fc.constantFrom(0, 0.01, 1, 60),
      completion: share,
      weight: fc.constantFrom(0.1, 1, 8),
    }),
    budgetMs: fc.oneof(fc.constant(Infinity), fc.double({ min: -10, max: 1e6, noNaN: true })),
    inputSize: fc.nat(1 << 26),
    canOffload: fc.boolean(),
    waited: fc.boolean(),
  }),
  view: fc.record({
    supported: fc.boolean(),
    warm: fc.boolean(),
    canStart: fc.boolean(),
    imageMissing: fc.boolean(),
    queueLength: fc.nat(20),
    queueCapacity: fc.nat(20),
    queueWaitMs: estimate,
    availableMemoryMib: quantity,
    freeMemoryMib: quantity,
    totalMemoryMib: quantity,
    local: estimates,
    remote: estimates,
    peers,
    cloud: fc.option(cloud, { nil: undefined }),
  }),
});

function check(decision: Decision, { request, view }: Situation): void {
  const offered = [...view.peers, ...(view.cloud ? [view.cloud] : [])].map(({ id }) => id);
  switch (decision.kind) {
    case "run":
      assert.ok(view.supported, "runs what is not supported here");
      return;
    case "wait":
      assert.ok(view.supported, "waits for what is not supported here");
      return;
    case "offload":
      assert.ok(request.canOffload, "offloads what must not leave");
      assert.ok(offered.includes(decision.to), `offloads to ${decision.to}, who was not offered`);
      return;
    case "reject":
      assert.ok(["NODE_SATURATED", "NO_SUITABLE_NODE"].includes(decision.code));
      return;
    default:
      assert.fail(`answers ${JSON.stringify(decision)}`);
  }
}

/**
 * Defines the tests that every policy must pass.
 *
 * @param name what to call it
 * @param factory makes it
 */
export function testPolicy(name: string, factory: PolicyFactory): void {
  const make = (random: () => number = () => 0.5) =>
    factory({ random, now: () => 0, settings: {} });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  Deno.test(`${name} makes an allowed decision in every situation`, () => {
    fc.assert(fc.property(situations, chance, (situation, u) => {
      check(make(() => u).decide(situation.request, situation.view), situation);
    }));
  });

  Deno.test(`${name} terminates when every offload fails`, () => {
    fc.assert(fc.property(situations, chance, (situation, u) => {
      const decisions = decideInTurn(make(() => u), situation);
      assert.notEqual(decisions.at(-1)!.kind, "offload");
      const targets = decisions.filter(({ kind }) => kind === "offload");
      assert.equal(new Set(targets.map((d) => d.kind === "offload" && d.to)).size, targets.length);
    }));
  });

  Deno.test(`${name} rejects a request that can run nowhere`, () => {
    const view = viewOf({ supported: false, warm: true });
    const decision = make().decide(requestOf({ canOffload: false }), view);
    assert.deepEqual(decision, { kind: "reject", code: "NO_SUITABLE_NODE" });
  });

  Deno.test(`${name} observes outcomes of every kind`, () => {
    const policy = make();
    for (const where of ["local", "edge", "cloud", "nowhere"] as const) {
      policy.observe?.(requestOf(), outcomeOf({ place: where, inTime: where === "local" }));
    }
  });

  Deno.test(`${name} plans without arrivals`, async () => {
    await make().plan?.({
      arrivals: [],
      memoryMib: 1024,
      peerMemoryMib: 0,
      edgeRttMs: Infinity,
      cloudRttMs: Infinity,
    });
  });
}
