import assert from "node:assert/strict";
import { fakeRecord, settle } from "../../tests/support/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import { Janitor } from "./janitor.ts";

function setUp(keepMinimum: () => Promise<void>) {
  const clock = new ManualClock();
  const calls = { kept: 0, expired: 0 };
  const pool = {
    expire: () => void calls.expired++,
    keepMinimum: () => {
      calls.kept++;
      return keepMinimum();
    },
  };
  const janitor = new Janitor({ pool, clock, intervalMs: 1000, idleMs: 5000 });
  return { clock, calls, janitor };
}

Deno.test("idle instances are looked after at the interval", () => {
  const { clock, calls, janitor } = setUp(() => Promise.resolve());
  clock.advance(3500);
  assert.equal(calls.expired, 3);
  janitor[Symbol.dispose]();
  clock.advance(10_000);
  assert.equal(calls.expired, 3);
});

Deno.test("MinInstances are kept from the start until the function is gone", async () => {
  const { clock, calls, janitor } = setUp(() => Promise.resolve());
  janitor.changed("none", fakeRecord({ Name: "none" }));
  janitor.changed("f", fakeRecord({ MinInstances: 1 }));
  assert.equal(calls.kept, 1);
  await settle();
  clock.advance(4000);
  assert.equal(calls.kept, 3);
  janitor.changed("f", undefined);
  clock.advance(10_000);
  assert.equal(calls.kept, 3);
});

Deno.test("starts that fail are tried again ever more seldom", async () => {
  const { clock, calls, janitor } = setUp(() => Promise.reject(new Error("no image")));
  janitor.changed("f", fakeRecord({ MinInstances: 1 }));
  for (let second = 0; second < 64; second++) {
    await settle();
    clock.advance(1000);
  }
  assert(calls.kept >= 4 && calls.kept <= 7, `${calls.kept} tries in 64 s`);
});
