import assert from "node:assert/strict";
import type { KindResult, SliceResult } from "../../lib/lab/load/report/result.ts";
import { measureOf, overWindows, rateOf } from "./measure.ts";

const timing = { warmUpS: 1, windowS: 2, windows: 3 };
const slice = (ok: number, p50?: number): SliceResult => ({
  at: 0,
  seconds: 2,
  due: ok,
  ok,
  failed: 0,
  ...(p50 !== undefined && { p50 }),
});
const kind = (...slices: SliceResult[]) => ({ slices }) as unknown as KindResult;

Deno.test("a measure is the median with the least and the largest", () => {
  assert.deepEqual(measureOf([3, 1, 10]), { mid: 3, low: 1, high: 10 });
  assert.deepEqual(measureOf([4, undefined, 2]), { mid: 3, low: 2, high: 4 });
  assert.deepEqual(measureOf([undefined]), { mid: undefined, low: undefined, high: undefined });
});

Deno.test("rates count windows without answers, and not what came after the last window", () => {
  assert.deepEqual(rateOf(kind(slice(10), slice(20), slice(30), slice(99)), timing), {
    mid: 10,
    low: 5,
    high: 15,
  });
  assert.deepEqual(rateOf(kind(slice(10)), timing), { mid: 0, low: 0, high: 5 });
});

Deno.test("response times are those of windows with answers", () => {
  const measured = overWindows(kind(slice(1, 5), slice(0), slice(1, 7)), timing, (s) => s.p50);
  assert.deepEqual(measured, { mid: 6, low: 5, high: 7 });
});
