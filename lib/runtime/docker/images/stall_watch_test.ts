import assert from "node:assert/strict";
import { ManualClock } from "../../../base/clock.ts";
import { StallWatch } from "./stall_watch.ts";

Deno.test("StallWatch: aborts a pull after the maximum time without progress", () => {
  const clock = new ManualClock();
  const stalls = new StallWatch(100, clock);
  using pull = stalls.watch(() => false);
  clock.advance(90);
  stalls.progressed();
  clock.advance(90);
  assert.equal(pull.signal.aborted, false);
  clock.advance(10);
  assert.equal(pull.signal.aborted, true);
});

Deno.test("StallWatch: the progress of one pull counts for the others until it is disposed", () => {
  const clock = new ManualClock();
  const stalls = new StallWatch(100, clock);
  using waiting = stalls.watch(() => false);
  const done = stalls.watch(() => false);
  for (let count = 0; count < 5; count++) {
    clock.advance(90);
    stalls.progressed();
  }
  done[Symbol.dispose]();
  clock.advance(99);
  assert.equal(waiting.signal.aborted, false);
  clock.advance(1);
  assert.deepEqual([waiting.signal.aborted, done.signal.aborted], [true, false]);
});

Deno.test("StallWatch: does not count the time in which a pull may be silent", () => {
  const clock = new ManualClock();
  const stalls = new StallWatch(100, clock);
  let isSilent = true;
  using pull = stalls.watch(() => isSilent);
  clock.advance(1000);
  assert.equal(pull.signal.aborted, false);
  isSilent = false;
  clock.advance(100);
  assert.equal(pull.signal.aborted, true);
});
