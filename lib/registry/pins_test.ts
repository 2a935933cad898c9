import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { pinMs, Pins } from "./pins.ts";

Deno.test("Pins: each stored code adds one pin, each stored function takes one", () => {
  const pins = new Pins<string>(() => 0);
  pins.add("a", "first");
  pins.add("a", "second");
  assert.equal(pins.take("a"), "first");
  assert.equal(pins.has("a"), true);
  assert.equal(pins.take("a"), "second");
  assert.equal(pins.has("a"), false);
  assert.equal(pins.take("a"), undefined);
});

Deno.test("Pins: a pin expires if its function is never stored", () => {
  const clock = new ManualClock();
  const pins = new Pins<string>(() => clock.now());
  pins.add("a", "first");
  clock.advance(pinMs - 1);
  assert.equal(pins.has("a"), true);
  clock.advance(1);
  assert.equal(pins.has("a"), false);
  assert.equal(pins.take("a"), undefined);
});
