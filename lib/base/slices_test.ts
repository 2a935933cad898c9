import assert from "node:assert/strict";
import { Slices } from "./slices.ts";

Deno.test("Slices: computations alternate, one slice in each turn of the event loop", async () => {
  const slices = new Slices();
  const order: string[] = [];
  const work = (name: string, count: number) =>
    slices.run(() => {
      order.push(name);
      return --count === 0;
    });
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await Promise.all([work("a", 3), work("b", 1), work("c", 2)]);
  clearInterval(timer);
  assert.deepEqual(order, ["a", "b", "c", "a", "c", "a"]);
  assert.ok(turns > 0, "the event loop had no turn");
});

Deno.test("Slices: a computation that throws does not affect others", async () => {
  const slices = new Slices();
  const bad = slices.run(() => {
    throw new RangeError("no");
  });
  let done = false;
  const good = slices.run(() => done = true);
  await assert.rejects(bad, RangeError);
  await good;
  assert.ok(done);
  await slices.run(() => true);
});
