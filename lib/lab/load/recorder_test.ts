import assert from "node:assert/strict";
import type { RequestKind } from "./plan.ts";
import { Recorder } from "./recorder.ts";
import { sumUp } from "./report/sum_records.ts";

const kind: RequestKind = {
  function: "f",
  class: "",
  weight: 1,
  isInvocation: true,
  origin: { hostname: "h", port: 1, tls: false },
  method: "POST",
  bytes: new Uint8Array(),
  limitMs: 10,
  judge: undefined,
};

/** A request that was due and sent, and how it ended. */
function play(recorder: Recorder, dueMs: number, endMs: number, outcome = "ok", at = 0): void {
  const shot = { kind: at, dueMs, sentMs: dueMs };
  recorder.due(shot);
  recorder.ended(shot, { outcome }, endMs, 3);
}

Deno.test("what was due in the warm-up does not count", () => {
  const recorder = new Recorder([kind], 1000, 5000);
  play(recorder, 999, 1500);
  play(recorder, 1000, 1001);
  const [record] = recorder.records;
  assert.deepEqual([record!.due, record!.outcomes.get("ok"), record!.response.count], [1, 1, 1]);
});

Deno.test("response times count from when a request was due, service times from its sending", () => {
  const recorder = new Recorder([kind], 0, 5000);
  const shot = { kind: 0, dueMs: 100, sentMs: 190 };
  recorder.due(shot);
  recorder.ended(shot, { outcome: "ok" }, 200, 0);
  const [record] = recorder.records;
  assert.deepEqual([record!.response.maxMs, record!.service.maxMs, recorder.lag.maxMs], [
    100,
    10,
    90,
  ]);
  assert.equal(record!.withinLimit, 0);
});

Deno.test("outcomes are counted by name; only good answers have response times", () => {
  const recorder = new Recorder([kind], 0, 5000);
  play(recorder, 0, 5);
  play(recorder, 0, 20);
  play(recorder, 0, 1, "NODE_SATURATED");
  const [record] = recorder.records;
  assert.deepEqual(Object.fromEntries(record!.outcomes), { ok: 2, NODE_SATURATED: 1 });
  assert.equal(record!.response.count, 2);
  assert.equal(record!.withinLimit, 1);
});

Deno.test("answers after the end count, but not for the rate", () => {
  const recorder = new Recorder([kind], 0, 1000);
  play(recorder, 999, 1000);
  play(recorder, 999, 1001);
  assert.equal(recorder.records[0]!.goodInTime, 1);
  assert.equal(recorder.records[0]!.outcomes.get("ok"), 2);
});

Deno.test("slices grow where a run gets longer, and lose nothing", () => {
  const recorder = new Recorder([kind, kind], 0, 1000);
  for (let at = 0; at < 100_000; at += 100) play(recorder, at, at + 50, "ok", at % 200 / 100);
  assert.ok(recorder.sliceMs > 100);
  for (const { slices } of recorder.records) assert.ok(slices.length <= 120);
  const { slices } = sumUp(recorder.records);
  const total = (of: (slice: typeof slices[number]) => number) =>
    slices.reduce((sum, slice) => sum + of(slice), 0);
  assert.equal(total(({ due }) => due), 1000);
  assert.equal(total(({ good }) => good), 1000);
  assert.equal(total(({ response }) => response.count), 1000);
  // Each slice has what happened in it.
  const perSlice = recorder.sliceMs / 100;
  assert.ok(slices.slice(0, -1).every(({ due }) => due === perSlice));
});

Deno.test("recent answers are taken once", () => {
  const recorder = new Recorder([kind], 1000, 1000);
  play(recorder, 0, 5);
  play(recorder, 0, 5, "timeout");
  const { response, failed } = recorder.takeRecent();
  assert.deepEqual([response.count, failed], [1, 1]);
  assert.equal(recorder.takeRecent().response.count, 0);
});
