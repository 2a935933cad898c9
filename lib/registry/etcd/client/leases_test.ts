import assert from "node:assert/strict";
import { LeaseLost } from "../cluster.ts";
import { SharedLeases } from "./leases.ts";

/** Leases that are granted by number, at a time that the test moves. */
function world() {
  const state = { now: 0, granted: [] as number[] };
  const leases = new SharedLeases((seconds) => {
    state.granted.push(seconds);
    return Promise.resolve(`lease-${state.granted.length}`);
  }, () => state.now);
  return { state, leases };
}

Deno.test("SharedLeases: what expires at about the same time shares a lease that outlives it", async () => {
  const { state, leases } = world();
  assert.equal(await leases.get(100_000), "lease-1");
  state.now = 9_999;
  assert.equal(await leases.get(100_000), "lease-1");
  // A tenth of its time is shared, so that it lives that much longer.
  assert.deepEqual(state.granted, [110]);
});

Deno.test("SharedLeases: a lease is given out for a bounded time, and not for other times to live", async () => {
  const { state, leases } = world();
  await leases.get(100_000);
  state.now = 10_000;
  assert.equal(await leases.get(100_000), "lease-2");
  assert.equal(await leases.get(50), "lease-3");
  assert.equal(await leases.get(86_400_000), "lease-4");
  // At least a second, at most a minute longer than asked for.
  assert.deepEqual(state.granted, [110, 110, 2, 86_460]);
});

Deno.test("SharedLeases: a lease that was not granted is not given out again", async () => {
  let isAway = true;
  const grant = () => isAway ? Promise.reject(new Error("away")) : Promise.resolve("lease");
  const leases = new SharedLeases(grant, () => 0);
  await assert.rejects(leases.get(1_000), { message: "away" });
  isAway = false;
  assert.equal(await leases.get(1_000), "lease");
});

Deno.test("SharedLeases.use: etcd has lost the lease, writes once more with a new one", async () => {
  const { leases } = world();
  const used: string[] = [];
  await leases.use(1_000, (lease) => {
    used.push(lease);
    return lease === "lease-1" ? Promise.reject(new LeaseLost()) : Promise.resolve();
  });
  assert.deepEqual(used, ["lease-1", "lease-2"]);
  assert.equal(await leases.get(1_000), "lease-2");
});

Deno.test("SharedLeases.use: other errors, and a second lease that is lost, are passed on", async () => {
  const { leases, state } = world();
  await assert.rejects(leases.use(1_000, () => Promise.reject(new Error("full"))), {
    message: "full",
  });
  assert.equal(state.granted.length, 1);
  await assert.rejects(leases.use(1_000, () => Promise.reject(new LeaseLost())), LeaseLost);
  assert.equal(state.granted.length, 2);
});
