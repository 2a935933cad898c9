import assert from "node:assert/strict";
import { fakeRecord, settle } from "../../tests/support/fakes/fake_environment.ts";
import { setUp, warm } from "../../tests/support/pool_world.ts";

Deno.test("Pool: start on demand, specializes a generic instance and takes over its memory", async () => {
  const set = setUp(400);
  await set.standBy(40);
  await warm(set, fakeRecord({ name: "other", memoryMib: 260 }));
  assert.deepEqual([set.generics.counts, set.ledger.freeMemory], [{ g40: 1 }, 100]);
  assert(set.pool.tryStart(fakeRecord({ memoryMib: 140 })), "free memory and the generic one's");
  assert.equal(set.ledger.freeMemory, 0);
  await settle();
  set.environment.finishStart();
  await settle();
  assert.deepEqual(set.environment.living.map(({ tier }) => tier), ["full", "generic"]);
  assert.deepEqual([set.generics.memoryMib, set.environment.generics.size], [0, 0]);
  assert.equal(set.ledger.balance.warmMemory, 400);
});

Deno.test("Pool: memory is short, evicts generic instances before idle ones, no more than needed", async () => {
  const set = setUp(400);
  const small = fakeRecord({ name: "small", memoryMib: 30 }); // too small for the generic ones
  await set.standBy(40);
  await set.standBy(60);
  await warm(set, fakeRecord({ name: "other", memoryMib: 290 }));
  set.environment.slowRemovals = true;
  assert(set.pool.tryStart(small));
  assert.deepEqual(set.generics.evictable.map(({ memoryMib }) => memoryMib), [60]);
  await settle();
  assert.equal(set.environment.starts.length, 0, "the generic instance is still there");
  set.environment.removals.shift()!();
  await settle();
  assert.equal(set.environment.starts.length, 1);
});

Deno.test("Pool: no room for a start, leaves the generic instance untouched", async () => {
  const set = setUp(400);
  await set.standBy(40);
  const record = fakeRecord({ memoryMib: 300 });
  await warm(set, record);
  const lease = set.pool.tryLease(record)!;
  assert.equal(set.pool.tryStart(fakeRecord({ name: "b", memoryMib: 120 })), false);
  assert.deepEqual([set.generics.counts, set.ledger.balance.warmMemory], [{ g40: 1 }, 40]);
  lease.release();
});

Deno.test("Pool: pre-warming, specializes no generic instance but evicts one for its memory", async () => {
  const set = setUp(400);
  await set.standBy(40);
  const record = fakeRecord({ memoryMib: 190 });
  await warm(set, record);
  assert.deepEqual(set.generics.counts, { g40: 1 });
  await warm(set, record);
  assert.deepEqual(set.environment.living.map(({ tier }) => tier), ["full", "full"]);
  assert.deepEqual(set.generics.counts, { g40: 0 });
});

Deno.test("Pool: start is aborted, removes its generic instance before it releases its memory", async () => {
  const set = setUp(300);
  await set.standBy(60);
  const record = fakeRecord({ memoryMib: 200 });
  await warm(set, fakeRecord({ name: "other", memoryMib: 160 }));
  set.environment.slowRemovals = true;
  assert(set.pool.tryStart(record)); // waits for the other one to be gone
  set.pool.retire(record.version);
  set.environment.removals.shift()!();
  await settle();
  assert.equal(set.ledger.balance.busyMemory, 200);
  set.environment.removals.shift()!();
  await settle();
  assert.deepEqual([set.ledger.freeMemory, set.environment.memoryMib], [300, 0]);
});
