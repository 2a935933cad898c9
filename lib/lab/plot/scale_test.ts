import assert from "node:assert/strict";
import fc from "fast-check";
import { formatNumber, linearScale, logScale } from "./scale.ts";

const labels = (scale: { ticks: readonly { label: string }[] }) => scale.ticks.map((t) => t.label);

Deno.test("linearScale: has round ticks and ends at one", () => {
  assert.deepEqual(labels(linearScale(0, 9.3)), ["0", "2", "4", "6", "8", "10"]);
  assert.equal(linearScale(0, 9.3).place(5), 0.5);
  assert.deepEqual(labels(linearScale(0, 0.3)), ["0", "0.1", "0.2", "0.3"]);
});

Deno.test("linearScale: keeps its ends if exact", () => {
  const scale = linearScale(3, 13, true);
  assert.deepEqual([scale.place(3), scale.place(8), scale.place(13)], [0, 0.5, 1]);
  assert.deepEqual(labels(scale), ["4", "6", "8", "10", "12"]);
});

Deno.test("logScale: has ticks at decades, and at 1, 2 and 5 of few decades", () => {
  assert.deepEqual(labels(logScale(0.3, 4000)), ["1", "10", "100", "1000"]);
  assert.deepEqual(labels(logScale(3, 40)), ["2", "5", "10", "20", "50"]);
  assert.equal(logScale(1, 100, true).place(10), 0.5);
  assert.equal(logScale(1, 100, true).place(0), 0);
});

Deno.test("formatNumber: formats numbers briefly", () => {
  assert.deepEqual([0, 0.25, 2000, 20_000, 1_500_000].map(formatNumber), [
    "0",
    "0.25",
    "2000",
    "20k",
    "1.5M",
  ]);
});

const values = fc.double({ min: -1e12, max: 1e12, noNaN: true });
for (const [name, makeScale] of Object.entries({ linearScale, logScale })) {
  Deno.test(`${name}: maps values to the axis in order with few ticks, for any ends`, () => {
    fc.assert(fc.property(values, values, values, values, fc.boolean(), (a, b, c, d, exact) => {
      const scale = makeScale(Math.min(a, b), Math.max(a, b), exact);
      const [low, high] = [scale.place(Math.min(c, d)), scale.place(Math.max(c, d))];
      assert.ok(0 <= low && low <= high && high <= 1, `${low} ${high}`);
      assert.ok(scale.ticks.length <= 12, `${scale.ticks.length} ticks`);
      const at = scale.ticks.map((tick) => tick.at);
      assert.deepEqual(at, at.toSorted((x, y) => x - y));
    }));
  });
}
