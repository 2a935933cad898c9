import assert from "node:assert/strict";
import { fakeRecord, settle } from "../../tests/support/fakes/fake_environment.ts";
import type { FunctionRecord } from "../model/function.ts";
import { keptFor, setUp, warm } from "../../tests/support/pool_world.ts";

Deno.test("Pool: reuses the newest idle instance first, and reserves idle memory as warm", async () => {
  const set = setUp();
  const record = fakeRecord({ cpu: 1 });
  await warm(set, record, 2);
  assert.equal(set.ledger.balance.warmMemory, 200);
  assert.equal(set.ledger.balance.usedCpu, 0);
  const first = set.pool.tryLease(record)!;
  assert.deepEqual(
    [set.ledger.balance.busyMemory, set.ledger.balance.usedCpu],
    [100, 1],
  );
  const newest = first.instance;
  first.release();
  assert.equal(set.pool.tryLease(record)!.instance, newest);
  await set.pool[Symbol.asyncDispose]();
});

Deno.test("Pool: CPU is short, keeps idle instances", async () => {
  const set = setUp(1000, 1);
  const record = fakeRecord({ cpu: 1 });
  await warm(set, record, 2);
  const lease = set.pool.tryLease(record)!;
  assert.equal(set.pool.tryLease(record), undefined);
  assert.equal(set.ledger.balance.warmMemory, 100);
  lease.release();
  assert(set.pool.tryLease(record));
});

Deno.test("Pool: MaxConcurrency, limits the calls of an instance", async () => {
  const set = setUp();
  const record = fakeRecord({ maxConcurrency: 2 });
  await warm(set, record);
  const [one, two] = [set.pool.tryLease(record)!, set.pool.tryLease(record)!];
  assert.equal(one.instance, two.instance);
  assert.equal(set.pool.tryLease(record), undefined);
  one.release();
  assert.equal(set.ledger.balance.busyMemory, 100);
  two.release();
  assert.equal(set.ledger.balance.busyMemory, 0);
});

Deno.test("Lease: released twice, ignores the second time", async () => {
  const set = setUp();
  const record = fakeRecord();
  await warm(set, record);
  const lease = set.pool.tryLease(record)!;
  lease.release();
  const next = set.pool.tryLease(record)!;
  lease.release();
  lease.discard();
  assert.equal(set.pool.tryLease(record), undefined, "the instance is busy");
  next.release();
  assert.equal(set.ledger.balance.warmMemory, 100);
});

Deno.test("Pool: eviction, takes the least recently used, no more than needed, and is awaited", async () => {
  const set = setUp(300);
  set.environment.slowRemovals = true;
  const [a, b, c] = ["a", "b", "c"].map((name) => fakeRecord({ name })) as [
    FunctionRecord,
    FunctionRecord,
    FunctionRecord,
  ];
  for (const record of [a, b, c]) {
    set.clock.advance(10);
    await warm(set, record);
  }
  set.clock.advance(10);
  set.pool.tryLease(a)!.release(); // b is now the least recently used
  assert(set.pool.tryStart(fakeRecord({ name: "d" })));
  assert.deepEqual(set.pool.count().map(({ name, idle }) => [name, idle]).filter(([, n]) => n), [
    ["a", 1],
    ["c", 1],
  ]);
  await settle();
  assert.equal(set.environment.starts.length, 0, "the victim is still there");
  set.environment.removals.shift()!();
  await settle();
  assert.equal(set.environment.starts.length, 1);
});

Deno.test("Pool: instance limit reached, replaces a generic instance, then the oldest", async () => {
  const set = setUp(1000, 4, 4, 3);
  for (const name of ["a", "b"]) {
    set.clock.advance(10);
    await warm(set, fakeRecord({ name }));
  }
  await set.standBy(10);
  assert.equal(set.ledger.freeInstances, 0);
  for (const name of ["c", "d"]) {
    assert(set.pool.canStart(fakeRecord({ name }), 1));
    assert(set.pool.tryStart(fakeRecord({ name })));
    await settle();
    set.environment.finishStart();
    await settle();
  }
  const held = set.pool.count().filter(({ idle }) => idle > 0).map(({ name }) => name);
  assert.deepEqual(held, ["b", "c", "d"]);
  assert.equal(set.generics.evictable.length, 0);
  assert.equal(set.pool.canStart(fakeRecord({ name: "e" }), 4), false);
});

Deno.test("Pool: MinInstances, survive eviction and expiry and are replaced", async () => {
  const set = setUp(200);
  const kept = fakeRecord({ name: "kept", minInstances: 1 });
  void set.pool.keepMinimum(kept).catch(() => {});
  void set.pool.keepMinimum(kept).catch(() => {});
  await settle();
  assert.equal(set.environment.starts.length, 1, "asked twice, started once");
  set.environment.finishStart();
  await settle();
  set.clock.advance(1_000_000);
  set.pool.expire(keptFor(1000));
  assert.equal(set.pool.canStart(fakeRecord(), 2), false);
  assert.equal(set.pool.tryStart(fakeRecord({ memoryMib: 200 })), false);
  assert.equal(set.environment.living.length, 1);
  set.pool.tryLease(kept)!.release();
  set.environment.made[0]!.crash();
  await settle();
  void set.pool.keepMinimum(kept).catch(() => {});
  await settle();
  assert.equal(set.environment.starts.length, 1);
});

Deno.test("Pool: instance terminates unexpectedly, takes no calls and stays until the reason is known", async () => {
  const set = setUp();
  const record = fakeRecord();
  await warm(set, record);
  const seen = Promise.withResolvers<void>();
  const [instance] = set.environment.made;
  instance!.crash(seen.promise);
  await settle();
  assert.equal(set.pool.tryLease(record), undefined);
  assert.equal(instance!.disposed, false, "there is still something to be seen");
  seen.resolve();
  await settle();
  assert.equal(instance!.disposed, true);
  assert.equal(set.ledger.freeMemory, 1000);
});

Deno.test("Pool: MinInstances, evict idle instances of others", async () => {
  const set = setUp(200);
  const [other, kept] = [fakeRecord({ name: "other" }), fakeRecord({ minInstances: 1 })];
  await warm(set, { ...other, version: "other" }, 2);
  const keeping = set.pool.keepMinimum(kept);
  await settle();
  set.environment.finishStart();
  assert.deepEqual(await keeping, { missing: 1, started: 1 });
  assert.equal(set.environment.living.length, 2);
  assert.deepEqual(await set.pool.keepMinimum(kept), { missing: 0, started: 0 });
});

Deno.test("Pool: MinInstances terminate before use, count as failed starts", async () => {
  const set = setUp();
  const kept = fakeRecord({ minInstances: 1 });
  const keeping = set.pool.keepMinimum(kept);
  await settle();
  set.environment.finishStart();
  await keeping;
  set.environment.made[0]!.crash();
  await settle();
  await assert.rejects(set.pool.keepMinimum(kept), { code: "FUNCTION_CRASHED" });
  assert.equal(set.environment.starts.length, 0);
});

Deno.test("Pool: idle for too long, is removed", async () => {
  const set = setUp();
  const record = fakeRecord();
  await warm(set, record, 2);
  set.clock.advance(500);
  set.pool.tryLease(record)!.release();
  set.clock.advance(600);
  set.pool.expire(keptFor(1000));
  await settle();
  assert.equal(set.environment.living.length, 1);
});

Deno.test("Pool: keep-alive by demand, removes at once and pre-warms in time into free memory", async () => {
  const set = setUp(200);
  const record = fakeRecord({ name: "timer" });
  const seen: string[] = [];
  set.pool.observe({
    expired: (name) => seen.push(`expired ${name}`),
    preWarmed: (name) => seen.push(`pre-warmed ${name}`),
    preWarmHit: (name) => seen.push(`hit ${name}`),
  });
  const expire = () => set.pool.expire((name) => set.keepAlive.windows(name));
  const start = async () => {
    set.pool.tryStart(record);
    await settle();
    set.environment.finishStart();
    await settle();
  };
  const expect = async () => {
    for (const due of set.idleTimes.takePreWarmsDue(1)) {
      void set.pool.prewarm(due, 1, { expected: true });
      await settle();
      set.environment.finishStart();
      await settle();
    }
  };
  for (let k = 0; k < 5; k++) {
    await start();
    set.pool.tryLease(record)!.release();
    set.clock.advance(20 * 60_000);
    expire();
    await settle();
  }
  assert.deepEqual(
    new Set(seen),
    new Set(["expired timer"]),
    "nothing known: the fixed keep-alive",
  );
  seen.length = 0;
  await start();
  set.pool.tryLease(record)!.release();
  expire();
  assert.deepEqual(seen, ["expired timer"], "nothing is expected for a while");
  set.clock.advance(18 * 60_000); // 20 min less the margin
  await expect();
  set.clock.advance(2 * 60_000);
  expire();
  const lease = set.pool.tryLease(record)!;
  assert.deepEqual([lease.first, seen], [true, [
    "expired timer",
    "pre-warmed timer",
    "hit timer",
  ]]);
  lease.release();
  expire();
  seen.length = 0;

  await settle();
  await warm(set, fakeRecord({ name: "other", memoryMib: 150 }));
  set.clock.advance(18 * 60_000);
  await expect();
  assert.deepEqual(seen, [], "there is no room, and nobody is put out for it");
  assert.equal(set.environment.living.length, 1);
});

Deno.test("Pool: parallel starts, are limited", async () => {
  const set = setUp(1000, 4, 2);
  const record = fakeRecord();
  assert.deepEqual([1, 2, 3].map(() => set.pool.tryStart(record)), [true, true, false]);
  await settle();
  set.environment.finishStart();
  await settle();
  assert.equal(set.pool.tryStart(record), true);
});

Deno.test("Pool: function retired, drains its instances", async () => {
  const set = setUp();
  const record = fakeRecord();
  await warm(set, record, 2);
  const lease = set.pool.tryLease(record)!;
  set.pool.retire(record.version);
  await settle();
  assert.equal(set.environment.living.length, 1);
  assert.equal(set.pool.tryLease(record), undefined);
  lease.release();
  await settle();
  assert.equal(set.environment.living.length, 0);
  assert.equal(set.ledger.freeMemory, 1000);
});

Deno.test("Pool: restart, replaces idle, busy and starting instances of the same version", async () => {
  const set = setUp();
  const record = fakeRecord();
  await warm(set, record, 2);
  const lease = set.pool.tryLease(record)!;
  assert(set.pool.tryStart(record));
  await settle();
  set.pool.restart(record.version);
  set.environment.finishStart();
  await settle();
  assert.deepEqual(set.environment.living, [lease.instance], "the call goes on");
  assert.equal(set.pool.tryLease(record), undefined);
  await warm(set, record);
  const next = set.pool.tryLease(record)!;
  assert.notEqual(next.instance, lease.instance);
  lease.release();
  next.release();
  await settle();
  assert.deepEqual(set.environment.living, [next.instance]);
  assert.equal(set.ledger.freeMemory, 900);
});

Deno.test("Lease: abandoned, harms no other call of the instance", async () => {
  const set = setUp();
  const record = fakeRecord({ maxConcurrency: 2 });
  await warm(set, record);
  const [stuck, fine] = [set.pool.tryLease(record)!, set.pool.tryLease(record)!];
  stuck.abandon();
  await settle();
  assert.equal(set.environment.living.length, 1);
  assert.equal(set.pool.tryLease(record), undefined, "takes no new calls");
  fine.release();
  await settle();
  assert.equal(set.environment.living.length, 0);
});
