import assert from "node:assert/strict";
import { fakeRecord, settle } from "../../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../../base/clock.ts";
import { Janitor } from "./janitor.ts";
import { fixedKeepAlive, type KeepAlive } from "./keep_alive.ts";
import { IdleTimes } from "./idle_times.ts";

const nothing = { missing: 0, started: 0 };

function setUp(keepMinimum: () => Promise<{ missing: number; started: number }>) {
  const clock = new ManualClock();
  const calls = { kept: 0, expired: 0 };
  const pool = {
    expire: () => void calls.expired++,
    has: () => false,
    prewarm: () => Promise.resolve(0),
    keepMinimum: () => {
      calls.kept++;
      return keepMinimum();
    },
  };
  const keepAlive = fixedKeepAlive(5000);
  const janitor = new Janitor({ pool, clock, intervalMs: 1000, keepAlive });
  return { clock, calls, janitor };
}

Deno.test("Janitor: interval elapses, expires idle instances", () => {
  const { clock, calls, janitor } = setUp(() => Promise.resolve(nothing));
  clock.advance(3500);
  assert.equal(calls.expired, 3);
  janitor[Symbol.dispose]();
  clock.advance(10_000);
  assert.equal(calls.expired, 3);
});

Deno.test("Janitor: MinInstances, are kept until the function is deleted", async () => {
  const { clock, calls, janitor } = setUp(() => Promise.resolve(nothing));
  janitor.changed("none", fakeRecord({ name: "none" }));
  janitor.changed("f", fakeRecord({ minInstances: 1 }));
  assert.equal(calls.kept, 1);
  for (const _ of [1, 2]) {
    await settle();
    clock.advance(2000);
  }
  assert.equal(calls.kept, 3);
  janitor.changed("f", undefined);
  clock.advance(10_000);
  assert.equal(calls.kept, 3);
});

Deno.test("Janitor: starts fail, are retried with exponential back-off", async () => {
  const { clock, calls, janitor } = setUp(() => Promise.reject(new Error("no image")));
  janitor.changed("f", fakeRecord({ minInstances: 1 }));
  for (let second = 0; second < 64; second++) {
    await settle();
    clock.advance(1000);
  }
  assert(calls.kept >= 4 && calls.kept <= 7, `${calls.kept} tries in 64 s`);
});

Deno.test("Janitor: instances terminate at once, are restarted with exponential back-off", async () => {
  let tries = 0;
  const { clock, calls, janitor } = setUp(() =>
    // Each start succeeds, but its instance has terminated at the next check.
    tries++ % 2 === 0
      ? Promise.resolve({ missing: 1, started: 1 })
      : Promise.reject(new Error("ended"))
  );
  janitor.changed("f", fakeRecord({ minInstances: 1 }));
  for (let second = 0; second < 64; second++) {
    await settle();
    clock.advance(1000);
  }
  assert(calls.kept >= 6 && calls.kept <= 12, `${calls.kept} looks in 64 s`);
});

Deno.test("Janitor: slow starts fail, are retried with exponential back-off", async () => {
  let waited = 0;
  const { clock, calls, janitor } = setUp(() => {
    const { promise, reject } = Promise.withResolvers<never>();
    clock.after(5000, () => reject(new Error("no hello")));
    return promise;
  });
  janitor.changed("f", fakeRecord({ minInstances: 1 }));
  for (; waited < 120; waited++) {
    await settle();
    clock.advance(1000);
  }
  assert(calls.kept >= 4 && calls.kept <= 7, `${calls.kept} tries in ${waited} s`);
});

Deno.test("Janitor: no memory for MinInstances, is reported as a problem", async () => {
  const { janitor } = setUp(() => Promise.resolve({ missing: 3, started: 1 }));
  janitor.changed("f", fakeRecord({ minInstances: 3 }));
  await settle();
  assert.deepEqual(janitor.problems(), ["f: not enough memory for 2 of its 3 MinInstances"]);
  janitor.changed("f", undefined);
  assert.deepEqual(janitor.problems(), []);
});

Deno.test("Janitor: pre-warm due, starts instances of functions without one, few at once", async () => {
  const clock = new ManualClock();
  const keepAlive: KeepAlive = {
    ...fixedKeepAlive(0),
    windows: () => ({ preWarmMs: 2000, keepAliveMs: 60_000 }),
  };
  const idleTimes = new IdleTimes(keepAlive, clock);
  const started: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const pool = {
    expire: () => {},
    keepMinimum: () => Promise.resolve(nothing),
    has: ({ name }: { name: string }) => name === "warm",
    prewarm({ name }: { name: string }): Promise<number> {
      started.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      ends.push((error) => error ? reject(error) : resolve(1));
      return promise;
    },
  };
  using _janitor = new Janitor({ pool, clock, intervalMs: 1000, keepAlive, idleTimes });
  for (const name of ["a", "warm", "b", "c"]) {
    idleTimes.callStarted(fakeRecord({ name }));
    idleTimes.callEnded(fakeRecord({ name }));
  }
  clock.advance(1999);
  assert.deepEqual(started, []);
  clock.advance(3000);
  assert.deepEqual(started, ["a", "b"]);
  ends[0]!(new Error("no image"));
  await settle();
  clock.advance(1000);
  assert.deepEqual(started, ["a", "b", "c"]);
});
