import assert from "node:assert/strict";
import { QuotedText } from "../json/quoted.ts";
import type { Report } from "../model/invocation.ts";
import { decodeLongResult, encodeLongResult, isLongResult } from "./long_results.ts";
import type { AsyncResult } from "./registry.ts";

const encoder = new TextEncoder();
const report: Report = {
  success: true,
  result: "",
  responseTimeS: 1.5,
  isWarmStart: true,
  initTimeS: 0,
  queueingTimeS: 0.25,
  offloadLatencyS: 0,
  durationS: 1,
  output: 'wrote "this"\n',
  executionArea: "ROME",
  executionNode: "node-1",
  startTier: "warm",
};

function done(text: string, output = report.output): AsyncResult {
  const result = new QuotedText(encoder.encode(JSON.stringify(text)));
  return { state: "done", report: { ...report, result, output } };
}

function encoded(result: AsyncResult): Uint8Array<ArrayBuffer> {
  assert(isLongResult(result, 0));
  const json = encodeLongResult(result);
  return json.slice(0, json.length);
}

Deno.test("isLongResult: a successful result above the bound is long, others are not", () => {
  const result = done("1234");
  assert.equal(isLongResult(result, 3), true);
  assert.equal(isLongResult(result, 1000), false);
  assert.equal(
    isLongResult({ state: "done", report: { ...report, result: "x".repeat(99) } }, 3),
    false,
  );
  assert.equal(isLongResult({ state: "pending", node: "n", since: 0 }, 0), false);
});

Deno.test("encodeLongResult: JSON of a result, read back, gives an equal result", async () => {
  const text = `{"a":"${"ü\\n".repeat(1000)}"}`;
  const json = encoded(done(text));
  const parsed = JSON.parse(new TextDecoder().decode(json));
  assert.equal(parsed.report.Result, text);
  const read = await decodeLongResult(json, "result f-1");
  assert(read?.state === "done");
  const { result, ...rest } = read.report;
  const { result: _, ...expected } = report;
  assert.deepEqual(rest, expected);
  assert(result instanceof QuotedText);
  assert.equal(new TextDecoder().decode(await result.unquoted()), text);
});

Deno.test("decodeLongResult: damaged JSON, gives undefined instead of an error", async () => {
  const decode = (text: string) => decodeLongResult(encoder.encode(text), "result f-1");
  assert.equal(await decode(`{"state":"done"}`), undefined);
  assert.equal(await decode(`{"state":"lost","report":{"Result":"x"}}`), undefined);
  assert.equal(await decode(`{"state":"done","report":{"Result":"x`), undefined);
  assert.equal(await decode(""), undefined);
  const json = encoded(done("x".repeat(5000)));
  assert.equal(await decodeLongResult(json.slice(0, 4000), "result f-1"), undefined);
  const tooLong = encoded(done("x", "y".repeat(9 << 20)));
  assert.equal(await decodeLongResult(tooLong, "result f-1"), undefined);
});
