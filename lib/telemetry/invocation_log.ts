/**
 * One structured log record for each invocation.
 *
 * @module
 */

import { logger } from "../base/log.ts";
import type { InvocationEnd, InvocationObserver } from "../scheduler/observer.ts";

const log = logger("invocation");
const rawMessage = "{function} {outcome} in {responseMs} ms";

/** Writes the records. */
export const invocationLog: InvocationObserver = {
  ended(end: InvocationEnd): void {
    if (!log.isEnabledFor("info")) return;
    const { functionName, outcome } = end;
    const responseMs = round(end.responseMs);
    // A ready-made record: parsing the template each time would cost as much as the metrics.
    log.emit({
      level: "info",
      timestamp: Date.now(),
      message: ["", functionName, " ", outcome, " in ", responseMs, " ms"],
      rawMessage,
      properties: {
        id: end.id,
        function: functionName,
        outcome,
        class: end.qosClass,
        place: end.place,
        cold: end.cold,
        ...(end.tier === undefined ? {} : { tier: end.tier }),
        waitMs: round(end.waitMs),
        startMs: round(end.startMs),
        executionMs: round(end.executionMs),
        responseMs,
        ...(end.message === "" ? {} : { error: end.message }),
      },
    });
  },
};

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
