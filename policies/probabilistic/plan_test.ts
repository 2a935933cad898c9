import assert from "node:assert/strict";
import fc from "fast-check";
import type { Arrivals, Statistics } from "../../lib/policy/contract.ts";
import { cloudOf, qosClassOf, requestOf, unmeasured, viewOf } from "../../tests/contract/policy.ts";
import { Probabilistic } from "./probabilistic.ts";
import type { LinearSolver } from "./linear_program.ts";
import { WorkerSolver } from "./solver.ts";
import type { Shares } from "./shares.ts";

/** One request a second that takes a second: one busy instance on average. */
function arrivals(facts: Partial<Arrivals> = {}): Arrivals {
  const second = { executionMs: 1000, startMs: 0, coldShare: 0 };
  return {
    functionName: "f",
    qosClass: qosClassOf(),
    memoryMib: 100,
    rate: 1,
    inputSize: 0,
    local: second,
    edge: second,
    remote: second,
    loss: 0,
    ...facts,
  };
}

function statistics(facts: Partial<Statistics>): Statistics {
  return {
    arrivals: [arrivals()],
    memoryMib: 1000,
    peerMemoryMib: 0,
    edgeRttMs: Infinity,
    cloudRttMs: Infinity,
    ...facts,
  };
}

/** A solver that returns a given solution. */
function solverOf(solve: () => Promise<number[]>): LinearSolver {
  return { solve, [Symbol.dispose]: () => {} };
}

/** The plan that HiGHS makes, for each of the arrivals. */
async function plan(given: Statistics, settings: Record<string, number> = {}): Promise<Shares[]> {
  const context = { random: () => 0, now: () => 0, settings };
  using policy = new Probabilistic(context, new WorkerSolver());
  await policy.plan(given);
  return given.arrivals.map((each) => policy.planned(each)!);
}

function assertShares(actual: Shares, expected: Partial<Shares>): void {
  const wanted = { local: 0, cloud: 0, edge: 0, drop: 0, ...expected };
  for (const place of ["local", "cloud", "edge", "drop"] as const) {
    const off = Math.abs(actual[place] - wanted[place]);
    assert.ok(off < 1e-6, `${place}: ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`);
  }
}

Deno.test("plan: keeps requests on this node while they fit", async () => {
  const reachable = { peerMemoryMib: 1000, edgeRttMs: 5, cloudRttMs: 50 };
  assertShares((await plan(statistics(reachable)))[0]!, { local: 1 });
});

Deno.test("plan: sends what does not fit to peers, then to the cloud", async () => {
  const given = statistics({
    arrivals: [arrivals({ rate: 10 })], // 1,000 MiB of busy instances
    memoryMib: 300,
    peerMemoryMib: 200,
    edgeRttMs: 5,
    cloudRttMs: 50,
  });
  assertShares((await plan(given))[0]!, { local: 0.3, edge: 0.2, cloud: 0.5 });
});

Deno.test("plan: rejects what fits nowhere", async () => {
  const given = statistics({ arrivals: [arrivals({ rate: 4 })], memoryMib: 100 });
  assertShares((await plan(given))[0]!, { local: 0.25, drop: 0.75 });
});

Deno.test("plan: gives memory to the class of highest utility", async () => {
  const gold = qosClassOf({ name: "gold", id: 1, utility: 5 });
  const given = statistics({
    arrivals: [arrivals({ rate: 2 }), arrivals({ qosClass: gold, rate: 2 })],
    memoryMib: 300,
  });
  const [other, best] = await plan(given);
  assertShares(best!, { local: 1 });
  assertShares(other!, { local: 0.5, drop: 0.5 });
});

Deno.test("plan: grants a class of lower utility its minimum share", async () => {
  const gold = qosClassOf({ name: "gold", id: 1, utility: 5 });
  const basic = qosClassOf({ name: "basic", id: 2, completion: 0.75 });
  const given = statistics({
    arrivals: [arrivals({ qosClass: basic, rate: 2 }), arrivals({ qosClass: gold, rate: 2 })],
    memoryMib: 200,
  });
  const [least, best] = await plan(given);
  assertShares(least!, { local: 0.75, drop: 0.25 });
  assertShares(best!, { local: 0.25, drop: 0.75 });
});

Deno.test("plan: exists although a minimum share cannot be reached", async () => {
  const basic = qosClassOf({ name: "basic", id: 2, completion: 1 });
  const given = statistics({ arrivals: [arrivals({ qosClass: basic })], memoryMib: 50 });
  assertShares((await plan(given))[0]!, { local: 0.5, drop: 0.5 });
});

Deno.test("plan: keeps the cost of the cloud within the budget", async () => {
  // 2 requests/s of 1 s here and 0.5 s there, 1 GiB: the cloud costs 0.5 a second at price 1.
  const remote = { executionMs: 500, startMs: 0, coldShare: 0 };
  const given = statistics({
    arrivals: [arrivals({ rate: 1, memoryMib: 1024, remote })],
    memoryMib: 0,
    cloudRttMs: 50,
  });
  assertShares((await plan(given, { cost: 1, budget: 0.125 * 3600 }))[0]!, {
    cloud: 0.25,
    drop: 0.75,
  });
});

Deno.test("plan: rejects requests whose expected penalty exceeds their utility", async () => {
  const strict = qosClassOf({ name: "strict", id: 1, limit: 0.1, utility: 1, penalty: 1 });
  const given = statistics({ arrivals: [arrivals({ qosClass: strict })], cloudRttMs: 200 });
  // 1 s of execution within 0.1 s: 10 % of the answers are in time, 90 % are paid for.
  assertShares((await plan(given))[0]!, { drop: 1 });
});

Deno.test("plan: avoids a place that is too far for the limit", async () => {
  const prompt = qosClassOf({ name: "prompt", id: 1, limit: 0.1 });
  const quick = { executionMs: 10, startMs: 0, coldShare: 0 };
  const slow = { executionMs: 500, startMs: 0, coldShare: 0 };
  const given = statistics({
    arrivals: [arrivals({ qosClass: prompt, local: slow, edge: quick, remote: quick })],
    peerMemoryMib: 1000,
    edgeRttMs: 5,
    cloudRttMs: 150,
  });
  assertShares((await plan(given))[0]!, { edge: 1 });
});

Deno.test("plan: skips unmeasured functions and fills gaps from other places", async () => {
  const unknown = { local: unmeasured, edge: unmeasured, remote: unmeasured };
  const given = statistics({
    arrivals: [
      arrivals({ functionName: "new", ...unknown }),
      arrivals({ functionName: "seen", local: unmeasured, edge: unmeasured }),
    ],
  });
  const [fresh, seen] = await plan(given);
  assert.equal(fresh, undefined);
  assertShares(seen!, { local: 1 });
});

Deno.test("plan: uses less of this node after loss", async () => {
  using policy = new Probabilistic(
    { random: () => 0, now: () => 0, settings: {} },
    new WorkerSolver(),
  );
  const given = statistics({ arrivals: [arrivals({ loss: 0.5 })], memoryMib: 100, cloudRttMs: 9 });
  await policy.plan(given);
  assertShares(policy.planned(given.arrivals[0]!)!, { local: 0.75, cloud: 0.25 });
});

Deno.test("plan: stays as it was if the solver fails", async () => {
  let fails = false;
  const policy = new Probabilistic(
    { random: () => 0, now: () => 0, settings: {} },
    solverOf(() => fails ? Promise.reject(new Error("broken")) : Promise.resolve([0, 0, 0, 1])),
  );
  await policy.plan(statistics({}));
  fails = true;
  await assert.rejects(policy.plan(statistics({})));
  assertShares(policy.planned(arrivals())!, { drop: 1 });
  fails = false;
  await policy.plan(statistics({}));
});

Deno.test("WorkerSolver: makes many plans, and none after it is disposed", async () => {
  const context = { random: () => 0, now: () => 0, settings: {} };
  using policy = new Probabilistic(context, new WorkerSolver());
  for (const rate of [2, 4]) {
    await policy.plan(statistics({ arrivals: [arrivals({ rate })], memoryMib: 100 }));
    assertShares(policy.planned(arrivals())!, { local: 1 / rate, drop: 1 - 1 / rate });
  }
  const cut = policy.plan(statistics({}));
  policy[Symbol.dispose]();
  await assert.rejects(cut, { code: "INTERNAL" });
  await assert.rejects(policy.plan(statistics({})), { code: "INTERNAL" });
});

Deno.test("decide: draws a place from the plan, but not for waiting requests", async () => {
  const policy = new Probabilistic(
    { random: () => 0.7, now: () => 0, settings: {} },
    solverOf(() => Promise.resolve([0.4, 0, 0, 0.6])),
  );
  assert.deepEqual(policy.decide(requestOf(), viewOf({ cloud: cloudOf() })), {
    kind: "offload",
    to: "cloud",
  });
  await policy.plan(statistics({}));
  const refused = { kind: "reject", code: "NODE_SATURATED" };
  assert.deepEqual(policy.decide(requestOf(), viewOf()), refused);
  const busy = viewOf({ canStart: false, queueLength: 1 });
  assert.deepEqual(policy.decide(requestOf({ waited: true }), busy), { kind: "wait" });
});

Deno.test("decide: offloads nothing to the cloud that the budget does not cover", () => {
  const context = { random: () => 0.6, now: () => 0, settings: { cost: 1, budget: 60 } };
  const policy = new Probabilistic(context, new WorkerSolver());
  const remote = { executionMs: 4000, startMs: 0, coldShare: 0 };
  const view = viewOf({ cloud: cloudOf(), remote }); // 4 s x 256 MiB: all of a minute's budget
  const request = requestOf({ memoryMib: 256 });
  assert.equal(policy.decide(request, view).kind, "run"); // .5 local, .25 cloud: drawn at 2/3
  context.random = () => 0.9;
  const other = new Probabilistic(context, new WorkerSolver());
  assert.equal(other.decide(request, view).kind, "offload");
  assert.equal(other.decide(request, view).kind, "run");
});

Deno.test("plan: has shares that sum to 1 for any statistics", async () => {
  const estimate = fc.record({
    executionMs: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1e5, noNaN: true })),
    startMs: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1e4, noNaN: true })),
    coldShare: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1, noNaN: true })),
  });
  const arrival = fc.record({
    functionName: fc.constantFrom("f", "g", "h"),
    qosClass: fc.constantFrom(
      qosClassOf(),
      qosClassOf({ id: 1, limit: 0.1, penalty: 1, completion: 0.9 }),
      qosClassOf({ id: 2, utility: 0 }),
    ),
    memoryMib: fc.integer({ min: 16, max: 4096 }),
    rate: fc.double({ min: 0, max: 1000, noNaN: true }),
    inputSize: fc.nat(1 << 20),
    local: estimate,
    edge: estimate,
    remote: estimate,
    loss: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1, noNaN: true })),
  });
  const rtt = fc.oneof(fc.constant(Infinity), fc.double({ min: 0, max: 500, noNaN: true }));
  const given = fc.record({
    arrivals: fc.uniqueArray(arrival, {
      maxLength: 9,
      size: "max",
      selector: ({ functionName, qosClass }) => `${functionName}/${qosClass.id}`,
    }),
    memoryMib: fc.nat(8192),
    peerMemoryMib: fc.nat(8192),
    edgeRttMs: rtt,
    cloudRttMs: rtt,
  });
  const context = { random: () => 0, now: () => 0, settings: { budget: 1 } };
  using policy = new Probabilistic(context, new WorkerSolver());
  await fc.assert(
    fc.asyncProperty(given, async (each) => {
      await policy.plan(each);
      for (const arrivals of each.arrivals) {
        const shares = policy.planned(arrivals);
        if (shares === undefined || arrivals.rate === 0) continue;
        const sum = shares.local + shares.cloud + shares.edge + shares.drop;
        assert.ok(Math.abs(sum - 1) < 1e-9);
        for (const value of Object.values(shares)) assert.ok(value >= 0 && value <= 1);
        if (each.cloudRttMs === Infinity) assert.equal(shares.cloud, 0);
      }
    }),
    { numRuns: 50 },
  );
});
