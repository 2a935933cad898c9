/**
 * One structured log record for each invocation.
 *
 * @module
 */

import { logger } from "../base/log.ts";
import type { InvocationEnd, InvocationObserver } from "../scheduler/observer.ts";

const log = logger("invocation");

/** Writes the records. */
export const invocationLog: InvocationObserver = {
  ended(end: InvocationEnd): void {
    if (!log.isEnabledFor("info")) return;
    log.info("{function} {outcome} in {responseMs} ms", {
      id: end.id,
      function: end.functionName,
      outcome: end.outcome,
      cold: end.cold,
      waitMs: round(end.waitMs),
      startMs: round(end.startMs),
      executionMs: round(end.executionMs),
      responseMs: round(end.responseMs),
      ...(end.message === "" ? {} : { message: end.message }),
    });
  },
};

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
