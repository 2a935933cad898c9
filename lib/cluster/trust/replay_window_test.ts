import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import { ReplayWindow, ReplayWindows } from "./replay_window.ts";

Deno.test("ReplayWindow: accepts each number once, in any order", () => {
  const window = new ReplayWindow();
  for (const number of [0, 5, 3, 4, 1, 2, 1000, 999]) {
    assert.equal(window.add(number), true, `${number}`);
    assert.equal(window.add(number), false, `${number} again`);
  }
});

Deno.test("ReplayWindow: rejects numbers that it cannot distinguish any more", () => {
  const window = new ReplayWindow();
  assert(window.add(70_000));
  assert.equal(window.add(70_000 - (1 << 16)), false);
  assert.equal(window.add(70_000 - (1 << 16) + 1), true);
  // A jump of more than the window leaves nothing of the former numbers.
  assert(window.add(10_000_000));
  assert.equal(window.add(70_000), false);
  assert.equal(window.add(10_000_000 - 1), true);
  assert.equal(window.add(10_000_000), false);
});

/** Windows of a node with a maximum clock skew of 20 s, its time, and its clock. */
function setUp() {
  const clock = new ManualClock();
  const windows = new ReplayWindows(20_000, clock);
  const add = (id: string, number: number, signedAt = clock.wall()) =>
    windows.add(id, number, signedAt);
  return { clock, add };
}

Deno.test("ReplayWindows: distinguishes senders", () => {
  const { add } = setUp();
  assert(add("a", 1));
  assert(add("b", 1));
  assert(!add("a", 1));
});

Deno.test("ReplayWindows: rejects old messages of a sender that it has forgotten", () => {
  const { clock, add } = setUp();
  assert(add("a", 1, 1000));
  clock.advance(60_000);
  assert(add("b", 1, 61_000));
  assert(!add("a", 1, 1000), "even if the clock was set back since");
  assert(add("a", 2, 61_000), "a new message is accepted");
});

Deno.test("ReplayWindows: a sender with a fast clock, used before, does not lock out a new one", () => {
  const hour = 3_600_000;
  for (const ahead of [20_000, 45_000, hour]) {
    const { clock, add } = setUp();
    assert(add("fast", 1, ahead));
    for (let minutes = 2; minutes < 70; minutes += 2) {
      clock.advance(120_000);
      assert(add(`${minutes}`, 1), `${ahead} ms ahead, after ${minutes} min`);
      assert(!add("fast", 1, ahead), "its message is still known");
    }
  }
});

Deno.test("ReplayWindows: many senders with fast clocks do not lock out a new one", () => {
  const { clock, add } = setUp();
  for (let sender = 0; sender < 5000; sender++) {
    clock.advance(100);
    assert(add(`fast ${sender}`, 0, clock.wall() + 3_600_000));
  }
  assert(add("new", 0));
});

Deno.test("ReplayWindows: remembers a bounded number of senders", () => {
  const { clock, add } = setUp();
  for (let sender = 0; sender < 5000; sender++) {
    assert(add(`${sender}`, 0));
    clock.advance(1);
  }
  assert(!add("0", 0, 0), "it is forgotten, and so are its messages");
  assert(!add("4999", 0, 4999));
});
