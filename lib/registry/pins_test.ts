import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { pinMs, Pins } from "./pins.ts";

Deno.test("each storing of code pins it once, each function takes one pin", () => {
  const pins = new Pins<string>(() => 0);
  pins.add("a", "first");
  pins.add("a", "second");
  assert.equal(pins.take("a"), "first");
  assert.equal(pins.has("a"), true);
  assert.equal(pins.take("a"), "second");
  assert.equal(pins.has("a"), false);
  assert.equal(pins.take("a"), undefined);
});

Deno.test("a pin whose function never came ends", () => {
  const clock = new ManualClock();
  const pins = new Pins<string>(() => clock.now());
  pins.add("a", "first");
  clock.advance(pinMs - 1);
  assert.equal(pins.has("a"), true);
  clock.advance(1);
  assert.equal(pins.has("a"), false);
  assert.equal(pins.take("a"), undefined);
});
