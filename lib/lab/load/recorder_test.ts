import assert from "node:assert/strict";
import type { RequestKind } from "./plan.ts";
import { Recorder } from "./recorder.ts";
import { sumUp } from "./report/sum_records.ts";

const kind: RequestKind = {
  function: "f",
  class: "",
  weight: 1,
  isInvocation: true,
  origin: { hostname: "h", port: 1, isSecure: false },
  method: "POST",
  bytes: new Uint8Array(),
  limitMs: 10,
  validator: undefined,
};

/** Records a request and its end. */
function play(recorder: Recorder, dueMs: number, endMs: number, outcome = "ok", at = 0): void {
  const request = { kind: at, dueMs, sentMs: dueMs };
  recorder.recordDue(request);
  recorder.recordEnd(request, { outcome }, endMs, 3);
}

Deno.test("Recorder: ignores requests due in the warm-up", () => {
  const recorder = new Recorder([kind], 1000, 5000);
  play(recorder, 999, 1500);
  play(recorder, 1000, 1001);
  const [record] = recorder.records;
  assert.deepEqual([record!.due, record!.outcomes.get("ok"), record!.response.count], [1, 1, 1]);
});

Deno.test("Recorder: counts response times from when a request was due, service times from when it was sent", () => {
  const recorder = new Recorder([kind], 0, 5000);
  const request = { kind: 0, dueMs: 100, sentMs: 190 };
  recorder.recordDue(request);
  recorder.recordEnd(request, { outcome: "ok" }, 200, 0);
  const [record] = recorder.records;
  assert.deepEqual([record!.response.maxMs, record!.service.maxMs, recorder.lag.maxMs], [
    100,
    10,
    90,
  ]);
  assert.equal(record!.withinLimit, 0);
});

Deno.test("Recorder: counts outcomes by name, and response times of successful requests only", () => {
  const recorder = new Recorder([kind], 0, 5000);
  play(recorder, 0, 5);
  play(recorder, 0, 20);
  play(recorder, 0, 1, "NODE_SATURATED");
  const [record] = recorder.records;
  assert.deepEqual(Object.fromEntries(record!.outcomes), { ok: 2, NODE_SATURATED: 1 });
  assert.equal(record!.response.count, 2);
  assert.equal(record!.withinLimit, 1);
});

Deno.test("Recorder: counts late responses, but not in the rate", () => {
  const recorder = new Recorder([kind], 0, 1000);
  play(recorder, 999, 1000);
  play(recorder, 999, 1001);
  assert.equal(recorder.records[0]!.goodInTime, 1);
  assert.equal(recorder.records[0]!.outcomes.get("ok"), 2);
});

Deno.test("Recorder: merges slices of a long run without loss", () => {
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
  const perSlice = recorder.sliceMs / 100;
  assert.ok(slices.slice(0, -1).every(({ due }) => due === perSlice));
});

Deno.test("Recorder: returns recent responses once", () => {
  const recorder = new Recorder([kind], 1000, 1000);
  play(recorder, 0, 5);
  play(recorder, 0, 5, "timeout");
  const { response, failed } = recorder.takeRecent();
  assert.deepEqual([response.count, failed], [1, 1]);
  assert.equal(recorder.takeRecent().response.count, 0);
});
