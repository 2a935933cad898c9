import assert from "node:assert/strict";
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

Deno.test("ReplayWindows: distinguishes senders", () => {
  const windows = new ReplayWindows(60_000);
  assert(windows.add("a", 1, 0, 0));
  assert(windows.add("b", 1, 0, 0));
  assert(!windows.add("a", 1, 0, 1));
});

Deno.test("ReplayWindows: rejects old messages of a sender that it has forgotten", () => {
  const windows = new ReplayWindows(60_000);
  assert(windows.add("a", 1, 1000, 0));
  assert(windows.add("b", 1, 61_000, 60_000));
  assert(!windows.add("a", 1, 1000, 60_001), "even if the clock was set back since");
  assert(windows.add("a", 2, 61_000, 60_002), "a new message is accepted");
});

Deno.test("ReplayWindows: remembers a bounded number of senders", () => {
  const windows = new ReplayWindows(60_000);
  for (let sender = 0; sender < 5000; sender++) assert(windows.add(`${sender}`, 0, sender, sender));
  assert(!windows.add("0", 0, 0, 5000), "it is forgotten, and so are its messages");
  assert(!windows.add("4999", 0, 4999, 5000));
});
