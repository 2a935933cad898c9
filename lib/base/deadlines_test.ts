import assert from "node:assert/strict";
import { ManualClock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";

Deno.test("Deadlines: fire in order, never early, and only once", () => {
  const clock = new ManualClock();
  using deadlines = new Deadlines(clock);
  const fired: string[] = [];
  deadlines.set(100, () => fired.push("b"));
  deadlines.set(20, () => fired.push("a"));
  clock.advance(19);
  assert.deepEqual(fired, []);
  clock.advance(6);
  assert.deepEqual(fired, ["a"]);
  clock.advance(1000);
  assert.deepEqual(fired, ["a", "b"]);
});

Deno.test("Deadlines: do not fire a disposed deadline", () => {
  const clock = new ManualClock();
  using deadlines = new Deadlines(clock);
  let fired = 0;
  const first = deadlines.set(50, () => fired++);
  deadlines.set(51, () => fired++);
  first[Symbol.dispose]();
  clock.advance(100);
  assert.equal(fired, 1);
});

Deno.test("Deadlines: keep a deadline that is set while another fires", () => {
  const clock = new ManualClock();
  using deadlines = new Deadlines(clock);
  const fired: number[] = [];
  deadlines.set(10, () => {
    fired.push(1);
    deadlines.set(clock.now() + 10, () => fired.push(2));
  });
  clock.advance(15);
  clock.advance(30);
  assert.deepEqual(fired, [1, 2]);
});

Deno.test("Deadlines: disposing cancels all deadlines", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  deadlines.set(10, () => assert.fail("fired"));
  deadlines[Symbol.dispose]();
  clock.advance(100);
});
