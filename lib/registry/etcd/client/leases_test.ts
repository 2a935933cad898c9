import assert from "node:assert/strict";
import { ManualClock } from "../../../base/clock.ts";
import { LeaseLost } from "../cluster.ts";
import { SharedLeases } from "./leases.ts";

/** Shared leases whose ids are counted. */
function counted(): { leases: SharedLeases; clock: ManualClock; granted: number[] } {
  const clock = new ManualClock();
  const granted: number[] = [];
  const grant = (ttlSeconds: number) => Promise.resolve(String(granted.push(ttlSeconds)));
  return { leases: new SharedLeases(grant, () => clock.now()), clock, granted };
}

Deno.test("SharedLeases: keys with about the same expiration share a lease that outlives them", async () => {
  const { leases, clock, granted } = counted();
  assert.equal(await leases.get(1_800_000), "1");
  clock.advance(59_999);
  assert.equal(await leases.get(1_800_000), "1");
  assert.deepEqual(granted, [1860], "the last user still has its 1800 s");
  clock.advance(1);
  assert.equal(await leases.get(1_800_000), "2");
  assert.equal(await leases.get(1000), "3");
  assert.deepEqual(granted, [1860, 1860, 2]);
});

Deno.test("SharedLeases: a lease that was lost, or not granted, is not returned again", async () => {
  const { leases } = counted();
  assert.equal(await leases.get(5000), "1");
  leases.clear();
  assert.equal(await leases.get(5000), "2");
  let fail = true;
  const failing = new SharedLeases(
    () => fail ? Promise.reject(new Error("away")) : Promise.resolve("1"),
    () => 0,
  );
  await assert.rejects(failing.get(5000), /away/);
  fail = false;
  assert.equal(await failing.get(5000), "1");
});

Deno.test("SharedLeases.use: after etcd has lost the lease, writes once more with a new one", async () => {
  const { leases } = counted();
  const used: string[] = [];
  await leases.use(1_000, (lease) => {
    used.push(lease);
    return lease === "1" ? Promise.reject(new LeaseLost()) : Promise.resolve();
  });
  assert.deepEqual(used, ["1", "2"]);
  assert.equal(await leases.get(1_000), "2");
});

Deno.test("SharedLeases.use: other errors, and a second lease that is lost, are passed on", async () => {
  const { leases, granted } = counted();
  await assert.rejects(leases.use(1_000, () => Promise.reject(new Error("full"))), {
    message: "full",
  });
  assert.equal(granted.length, 1);
  await assert.rejects(leases.use(1_000, () => Promise.reject(new LeaseLost())), LeaseLost);
  assert.equal(granted.length, 2);
});
