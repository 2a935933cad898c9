import assert from "node:assert/strict";
import {
  FakeEnvironment,
  FakeGeneric,
  fakeRecord,
  settle,
} from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { GenericInstances } from "./generic_instances.ts";
import { ResourceLedger } from "./resource_ledger.ts";

function setUp(memoryMib: number, count = 1) {
  const environment = new FakeEnvironment();
  environment.genericKind = { place: "container", id: "python", memoryMib: 32, count };
  environment.slowStarts = false;
  const ledger = new ResourceLedger({ memoryMib, cpu: 1 });
  const clock = new ManualClock();
  return {
    environment,
    ledger,
    clock,
    generics: new GenericInstances({ environment, ledger, clock }),
  };
}

/** Takes the instance that is ready, and has its specialization end as given. */
async function specialized(set: ReturnType<typeof setUp>, outcome: Promise<undefined>) {
  outcome.catch(() => {});
  set.generics.changed("f", f);
  await set.generics.filled();
  const generic = set.generics.find(f)!;
  generic.take();
  generic.instance!.specialize = () => {
    set.environment.generics.delete(generic.instance as FakeGeneric);
    return outcome;
  };
  return await generic.specialize(f, never);
}

const f = fakeRecord();
const never = new AbortController().signal;

Deno.test("GenericInstances: function can use them, are started and removed with the last one", async () => {
  const { environment, ledger, clock, generics } = setUp(256);
  assert.deepEqual(generics.counts, {});
  generics.changed("f", f);
  generics.changed("g", f);
  clock.advance(50);
  await settle();
  assert.deepEqual([generics.counts, ledger.balance.warmMemory], [{ python: 1 }, 32]);
  generics.changed("g", undefined);
  assert.deepEqual(generics.counts, { python: 1 });
  generics.changed("f", fakeRecord({ memoryMib: 31 }));
  await settle();
  assert.deepEqual([generics.counts, ledger.freeMemory], [{}, 256]);
  assert.equal(environment.generics.size, 0);
});

Deno.test("GenericInstances: many wanted, hold at most a quarter of the memory", async () => {
  const { ledger, generics } = setUp(256, 5);
  generics.changed("f", f);
  await generics.filled();
  assert.deepEqual([generics.counts.python, ledger.balance.warmMemory], [2, 64]);
});

Deno.test("GenericInstances: too little memory is free, wait until some is", async () => {
  const { ledger, clock, generics } = setUp(256);
  const busy = ledger.tryReserve({ memoryMib: 240, cpu: 0 }, "busy")!;
  generics.changed("f", f);
  await generics.filled();
  assert.deepEqual(generics.counts, { python: 0 });
  busy[Symbol.dispose]();
  generics.refill();
  clock.advance(50);
  await settle();
  assert.deepEqual(generics.counts, { python: 1 });
});

Deno.test("GenericInstances: specialized, replaces its reservation and is replaced", async () => {
  const { ledger, generics, environment } = setUp(256);
  generics.changed("f", f);
  await generics.filled();
  const generic = generics.find(f)!;
  generic.take();
  assert.deepEqual([ledger.freeMemory, generics.find(f)], [256, undefined]);
  await using instance = await generic.specialize(f, never);
  assert.deepEqual([instance.tier, environment.generics.size], ["generic", 0]);
  await generics.filled();
  assert.deepEqual(generics.counts, { python: 1 });
});

Deno.test("GenericInstances: evicted, release memory at once and return after a second", async () => {
  const { environment, ledger, clock, generics } = setUp(256);
  generics.changed("f", f);
  await generics.filled();
  environment.slowRemovals = true;
  const evicted = generics.evictable[0]!.evict();
  assert.deepEqual([ledger.freeMemory, generics.evictable.length], [256, 0]);
  environment.removals.shift()!();
  await evicted;
  generics.refill();
  clock.advance(999);
  assert.equal(environment.generics.size, 0);
  clock.advance(1);
  await settle();
  assert.deepEqual(generics.counts, { python: 1 });
});

Deno.test("GenericInstances: evicted again and again, return after the same time", async () => {
  const { clock, generics } = setUp(256, 2);
  generics.changed("f", f);
  await generics.filled();
  for (let time = 0; time < 5; time++) {
    await Promise.all(generics.evictable.map((generic) => generic.evict()));
    generics.refill();
    clock.advance(999);
    await settle();
    assert.deepEqual(generics.counts, { python: 0 });
    clock.advance(1);
    await settle();
    assert.deepEqual(generics.counts, { python: 2 });
  }
});

Deno.test("GenericInstances: cannot be started, wait from 1 s up to 5 min", async () => {
  const { environment, clock, generics } = setUp(256);
  let attempts = 0;
  environment.startGeneric = () => Promise.reject(new Error(`attempt ${++attempts}`));
  generics.changed("f", f);
  await generics.filled();
  for (const [at, waitS] of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].entries()) {
    clock.advance(waitS * 1000 - 1);
    await settle();
    assert.equal(attempts, at + 1);
    clock.advance(1);
    await settle();
    assert.equal(attempts, at + 2);
  }
});

Deno.test("GenericInstances: disposed twice or evicted, release their memory once", async () => {
  const { environment, ledger, generics } = setUp(256, 2);
  generics.changed("f", f);
  await generics.filled();
  environment.slowRemovals = true;
  const [first, second] = generics.evictable;
  const ends = [first!.evict(), first![Symbol.asyncDispose](), first!.evict()];
  assert.equal(ledger.freeMemory, 256 - 32);
  ends.push(second![Symbol.asyncDispose](), second![Symbol.asyncDispose]());
  assert.equal(environment.removals.length, 2);
  while (environment.removals.length > 0) environment.removals.shift()!();
  await Promise.all(ends);
  assert.deepEqual([ledger.freeMemory, generics.memoryMib], [256, 0]);
});

Deno.test("GenericInstances: function cannot use one, is started without and counts no failure", async () => {
  const set = setUp(256);
  await using instance = await specialized(set, Promise.resolve(undefined));
  assert.equal(instance.tier, "full");
  set.generics.refill();
  set.clock.advance(50);
  await settle();
  assert.deepEqual(set.generics.counts, { python: 1 });
});

Deno.test("GenericInstances: one cannot be specialized, function is started without and they wait", async () => {
  const set = setUp(256);
  const died = new ServerledgeError("FUNCTION_CRASHED", "died");
  await using instance = await specialized(set, Promise.reject(died));
  assert.equal(instance.tier, "full");
  set.generics.refill();
  set.clock.advance(999);
  await settle();
  assert.deepEqual(set.generics.counts, { python: 0 });
  set.clock.advance(1);
  await settle();
  assert.deepEqual(set.generics.counts, { python: 1 });
});

for (const [code, starts] of [["FUNCTION_CRASHED", 1], ["FUNCTION_ERROR", 0]] as const) {
  Deno.test(`GenericInstances: function fails with ${code}, counts no failure`, async () => {
    const set = setUp(256);
    const failure = new ServerledgeError(code, "bad code");
    let started = 0;
    set.environment.start = () => {
      started++;
      return Promise.reject(failure);
    };
    await assert.rejects(specialized(set, Promise.reject(failure)), { code });
    assert.equal(started, starts);
    set.generics.refill();
    set.clock.advance(50);
    await settle();
    assert.deepEqual(set.generics.counts, { python: 1 });
  });
}

Deno.test("GenericInstances: outdated, ready and starting ones are replaced without a back-off", async () => {
  const { environment, ledger, clock, generics } = setUp(256, 2);
  const starts: (() => void)[] = [];
  environment.startGeneric = async (kind) => {
    await new Promise<void>((resolve) => starts.push(resolve));
    return new FakeGeneric(kind, environment);
  };
  generics.changed("f", f);
  void generics.filled();
  await settle();
  starts.shift()!();
  await settle();
  assert.deepEqual([generics.counts, starts.length], [{ python: 1 }, 1]);
  environment.slowRemovals = true;
  environment.outdate(environment.genericKind!);
  assert.equal(generics.find(f), undefined, "the ready one may be dying");
  starts.shift()!(); // the one of the former image
  await settle();
  assert.deepEqual([generics.counts, environment.removals.length], [{ python: 0 }, 2]);
  environment.slowRemovals = false;
  for (const remove of environment.removals.splice(0)) remove();
  for (const delayMs of [50, 0]) {
    await settle();
    clock.advance(delayMs);
    await settle();
    starts.shift()!();
  }
  await settle();
  assert.deepEqual([generics.counts, ledger.balance.warmMemory], [{ python: 2 }, 64]);
});

Deno.test("GenericInstances: kinds of two environments have one id, are kept apart", async () => {
  const { environment, generics } = setUp(256);
  generics.changed("f", f);
  await generics.filled();
  environment.genericKind = { ...environment.genericKind!, place: "sandbox" };
  assert.equal(generics.find(f), undefined);
  generics.changed("g", f);
  await generics.filled();
  assert.deepEqual(generics.counts, { python: 2 });
});
