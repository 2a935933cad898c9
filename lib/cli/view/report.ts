/**
 * Reads and formats the result of an invocation: a report, a failure, or a pending state.
 *
 * @module
 */

import { type ErrorCode, errorCodes, ServerledgeError } from "../../base/errors.ts";
import { type PlainReport, reportNames, type WireReport } from "../../model/invocation.ts";
import { asWritten, parseNumbers } from "../../json/exact.ts";
import { isObject } from "../../json/json.ts";
import type { Answer } from "../client/client.ts";
import { printable, styled } from "./style.ts";
import { formatDuration } from "./table.ts";
import type { Output } from "../terminal.ts";

/** Returns true if the invocation has not ended yet. */
export function isPending(answer: Answer): boolean {
  return answer.status === 202;
}

/**
 * Returns the report in a response.
 *
 * @param answer response of `/invoke` or `/poll`
 * @throws the failure in the response, described by `Code`, `Message` and `Details`; `FUNCTION_ERROR`
 *   if the response has no code, as from the Go node
 */
export function readReport(answer: Answer): PlainReport {
  const body = isObject(answer.json) ? answer.json : {};
  if (body.Success === true) return reportNames.fromWire(answer.json as WireReport);
  const code: ErrorCode = errorCodes.find((known) => known === body.Code) ?? "FUNCTION_ERROR";
  const message = typeof body.Message === "string" ? body.Message : "The invocation failed";
  const details = isObject(body.Details) ? body.Details : { output: body.Output };
  throw new ServerledgeError(code, message, {
    details: { ...details, exit: undefined, answer: answer.text },
  });
}

/**
 * Formats a report for people: the result, then start, times and node.
 *
 * @param report report of the node
 * @param output where it will be written
 */
export function readableReport(report: PlainReport, output: Pick<Output, "colour">): string {
  const tier = report.startTier && report.startTier !== "warm" ? ` (${report.startTier})` : "";
  const start = report.isWarmStart ? "warm start" : `cold start${tier}`;
  const waited = report.queueingTimeS > 0 ? `, waited ${formatDuration(report.queueingTimeS)}` : "";
  const story = `${start}, ${formatDuration(report.responseTimeS)} (execution ` +
    `${formatDuration(report.durationS)}${waited}) on ${report.executionNode} in ` +
    report.executionArea;
  const captured = report.output.trimEnd();
  return [
    ...(captured ? [styled(output, "bold", "output:"), printable(captured)] : []),
    printable(readableResult(report.result)),
    styled(output, "dim", story),
  ].join("\n");
}

function readableResult(result: string): string {
  try {
    const value = parseNumbers(result, asWritten);
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  } catch {
    return result;
  }
}
