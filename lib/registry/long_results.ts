/**
 * Results of async invocations that are too long to be written or parsed at once. Their JSON has the
 * format of short results, but is made and read in slices.
 *
 * @module
 */

import { Rope } from "../base/rope.ts";
import { inSlices, sliceBytes } from "../base/slices.ts";
import { liftText, RestTooLong } from "../json/lift.ts";
import { QuotedText } from "../json/quoted.ts";
import { JsonScan } from "../json/scan.ts";
import { JsonScanError } from "../json/tokens.ts";
import { reportNames } from "../model/invocation.ts";
import { readRecord, warnSkipped } from "./records.ts";
import { type AsyncResult, asyncResultSchema } from "./registry.ts";

/** Maximum size of a result without the function's return value (output and times), bytes. */
const maxRestBytes = 8 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A result with a long return value. */
export type LongResult = AsyncResult & { state: "done"; report: { result: QuotedText } };

/**
 * Returns whether the return value of a result is long.
 *
 * @param bytes size above which it is long, bytes
 */
export function isLongResult(result: AsyncResult, bytes: number): result is LongResult {
  if (result.state !== "done") return false;
  const { result: text } = result.report;
  return text instanceof QuotedText && text.length > bytes;
}

/** Returns the JSON of a long result. */
export function encodeLongResult({ report, state }: LongResult): Rope {
  const { Result: _, ...fields } = reportNames.toWire({ ...report, result: "" });
  const before = encoder.encode(`{"state":"${state}","report":{"Result":`);
  const after = encoder.encode(`,${JSON.stringify(fields).slice(1)}}`);
  return new Rope([before, report.result.json, after]);
}

/**
 * Reads the JSON of a long result. The return value stays a view of this JSON.
 *
 * @param json the stored JSON
 * @param key key of the result, for the log
 * @returns undefined if the JSON is damaged, which is logged
 */
export async function decodeLongResult(
  json: Uint8Array<ArrayBuffer>,
  key: string,
): Promise<AsyncResult | undefined> {
  try {
    return await decode(json, key);
  } catch (error) {
    if (!(error instanceof JsonScanError || error instanceof RestTooLong)) throw error;
    warnSkipped(key, error.message);
    return undefined;
  }
}

async function decode(
  json: Uint8Array<ArrayBuffer>,
  key: string,
): Promise<AsyncResult | undefined> {
  const scan = new JsonScan(json, ["report"], true);
  await inSlices(() => scan.advance(sliceBytes));
  const report = scan.member(0);
  if (!report) {
    warnSkipped(key, "it has no report");
    return undefined;
  }
  const { start, end } = report;
  const { rest, text } = await liftText(json.subarray(start, end), "Result", maxRestBytes);
  const outer = (from: number, to?: number) => decoder.decode(json.subarray(from, to));
  const result = readRecord(asyncResultSchema, outer(0, start) + rest + outer(end), key);
  if (result?.state !== "done" || !text) return result;
  return { ...result, report: { ...result.report, result: text } };
}
