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

Deno.test("a timer's instance goes at once and is back before the next tick", () => {
  // Ticks every half hour: the bin from 29 to 30 min holds all.
  const { preWarmMs, keepAliveMs } = taught(Array(20).fill(29.9)).windows("f");
  assert.equal(preWarmMs, 0.9 * 29 * minute);
  assert.equal(preWarmMs + keepAliveMs, 1.1 * 30 * minute);
});

Deno.test("a busy function is kept all along, for little longer than it ever rests", () => {
  const { preWarmMs, keepAliveMs } = taught([...Array(98).fill(0.2), 3.5, 7.5]).windows("f");
  assert.deepEqual([preWarmMs, keepAliveMs], [0, 1.1 * 4 * minute]);
});

Deno.test("without a pattern the fixed keep-alive holds", () => {
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

Deno.test("functions are apart, and forgotten when they are gone or too many", () => {
  const policy = taught(Array(20).fill(30));
  assert.deepEqual(policy.windows("g"), fallback);
  policy.forget("f");
  assert.deepEqual(policy.windows("f"), fallback);
  const crowded = taught(Array(20).fill(30));
  for (let k = 0; k < 9_999; k++) crowded.observe(`g${k}`, minute);
  assert.notDeepEqual(crowded.windows("f"), fallback);
  crowded.observe("one more", minute);
  assert.deepEqual(crowded.windows("f"), fallback);
});

Deno.test("an instance is kept in its window; one that was started ahead from its start on", () => {
  const fixed = fixedKeepAlive(10).windows("f");
  assert.deepEqual([0, 9, 10].map((idle) => isKept(fixed, idle, true)), [true, true, false]);
  const late = { preWarmMs: 100, keepAliveMs: 10 };
  const used = [0, 99, 100, 109, 110].map((idle) => isKept(late, idle, true));
  assert.deepEqual(used, [false, false, true, true, false]);
  assert.deepEqual([0, 9, 10].map((idle) => isKept(late, idle, false)), [true, true, false]);
});
