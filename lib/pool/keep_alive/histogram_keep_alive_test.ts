import assert from "node:assert/strict";
import { HistogramKeepAlive } from "./histogram_keep_alive.ts";
import { fixedKeepAlive, isKept } from "./keep_alive.ts";

const minute = 60_000;
const fallback = { preWarmMs: 0, keepAliveMs: 10 * minute };

function taught(idleMinutes: Iterable<number>): HistogramKeepAlive {
  const policy = new HistogramKeepAlive(10 * minute);
  for (const idle of idleMinutes) policy.observe("f", idle * minute);
  return policy;
}

Deno.test("HistogramKeepAlive: periodic function, is removed at once and pre-warmed for the next call", () => {
  // Ticks every half hour: the bin from 29 to 30 min holds all.
  const { preWarmMs, keepAliveMs } = taught(Array(20).fill(29.9)).windows("f");
  assert.equal(preWarmMs, 0.9 * 29 * minute);
  assert.equal(preWarmMs + keepAliveMs, 1.1 * 30 * minute);
});

Deno.test("HistogramKeepAlive: busy function, is kept a little longer than its idle times", () => {
  const { preWarmMs, keepAliveMs } = taught([...Array(98).fill(0.2), 3.5, 7.5]).windows("f");
  assert.deepEqual([preWarmMs, keepAliveMs], [0, 1.1 * 4 * minute]);
});

Deno.test("HistogramKeepAlive: no pattern, applies the fixed keep-alive", () => {
  const cases: Record<string, number[]> = {
    "nothing known": [],
    "too few": Array(4).fill(30),
    "no pattern": Array.from({ length: 480 }, (_, k) => k % 240),
    "mostly beyond the range": [...Array(10).fill(5), ...Array(10).fill(300)],
  };
  for (const [name, idle] of Object.entries(cases)) {
    assert.deepEqual(taught(idle).windows("f"), fallback, name);
  }
  assert.notDeepEqual(
    taught([...Array(11).fill(5), ...Array(10).fill(300)]).windows("f"),
    fallback,
  );
});

Deno.test("HistogramKeepAlive: several functions, are separate and forgotten when deleted or too many", () => {
  const policy = taught(Array(20).fill(30));
  assert.deepEqual(policy.windows("g"), fallback);
  policy.forget("f");
  assert.deepEqual(policy.windows("f"), fallback);
  const full = taught(Array(20).fill(30));
  for (let k = 0; k < 9_999; k++) full.observe(`g${k}`, minute);
  assert.notDeepEqual(full.windows("f"), fallback);
  full.observe("one more", minute);
  assert.deepEqual(full.windows("f"), fallback);
});

Deno.test("isKept: keep-alive window, begins for a pre-warmed instance with its start", () => {
  const fixed = fixedKeepAlive(10).windows("f");
  assert.deepEqual([0, 9, 10].map((idle) => isKept(fixed, idle, true)), [true, true, false]);
  const late = { preWarmMs: 100, keepAliveMs: 10 };
  const used = [0, 99, 100, 109, 110].map((idle) => isKept(late, idle, true));
  assert.deepEqual(used, [false, false, true, true, false]);
  assert.deepEqual([0, 9, 10].map((idle) => isKept(late, idle, false)), [true, true, false]);
});
