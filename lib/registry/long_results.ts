/**
 * Results of async invocations that are too long to be written or parsed in one go: their JSON, which is
 * that of short ones, is made and read in slices.
 *
 * @module
 */

import { Rope } from "../base/rope.ts";
import { inSlices, sliceBytes } from "../base/slices.ts";
import { liftText } from "../json/lift.ts";
import { QuotedText } from "../json/quoted.ts";
import { JsonScan } from "../json/scan.ts";
import { reportNames } from "../model/invocation.ts";
import { readRecord } from "./records.ts";
import { type AsyncResult, asyncResultSchema } from "./registry.ts";

/** Most bytes of a result in addition to the function's return value: output and times. */
const maxRestBytes = 8 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A result with a long return value. */
export type LongResult = AsyncResult & { state: "done"; report: { result: QuotedText } };

/**
 * Tells whether a result is long.
 *
 * @param bytes from how many on
 */
export function isLongResult(result: AsyncResult, bytes: number): result is LongResult {
  if (result.state !== "done") return false;
  const { result: text } = result.report;
  return text instanceof QuotedText && text.length > bytes;
}

/** The JSON of a long result. */
export function encodeLongResult({ report, state }: LongResult): Rope {
  const { Result: _, ...fields } = reportNames.toWire({ ...report, result: "" });
  const before = encoder.encode(`{"state":"${state}","report":{"Result":`);
  const after = encoder.encode(`,${JSON.stringify(fields).slice(1)}}`);
  return new Rope([before, report.result.json, after]);
}

/**
 * Reads the JSON of a long result, which its text stays a part of.
 *
 * @param json as it was stored
 * @param key where it was found, for the log
 * @returns undefined for what is none
 * @throws {JsonScanError} or {RestTooLong}
 */
export async function decodeLongResult(
  json: Uint8Array<ArrayBuffer>,
  key: string,
): Promise<AsyncResult | undefined> {
  const scan = new JsonScan(json, ["report"], true);
  await inSlices(() => scan.advance(sliceBytes));
  const report = scan.member(0);
  if (!report) return undefined;
  const { start, end } = report;
  const { rest, text } = await liftText(json.subarray(start, end), "Result", maxRestBytes);
  const outer = (from: number, to?: number) => decoder.decode(json.subarray(from, to));
  const result = readRecord(asyncResultSchema, outer(0, start) + rest + outer(end), key);
  if (result?.state !== "done" || !text) return result;
  return { ...result, report: { ...result.report, result: text } };
}
