/**
 * Log of invocations, with a structured record for each.
 *
 * Lines are formatted directly, without a record of the logger per invocation.
 *
 * @module
 */

import type { LineSink } from "../base/log.ts";
import type { InvocationObserver, InvocationOutcome } from "../scheduler/observer.ts";

/** Log of invocations at level `info`. */
export class InvocationLog implements InvocationObserver {
  readonly #lines: LineSink;
  readonly #render: (end: InvocationOutcome, time: string) => string;
  readonly #wall: () => number;
  #lastSecond = NaN;
  /** Formatted time of that second without milliseconds. */
  #untilMs = "";

  /**
   * Creates a log that has written nothing.
   *
   * @param format format of a record, see `log.format`
   * @param wall returns the wall-clock time, ms
   */
  constructor(lines: LineSink, format: "text" | "json", wall: () => number) {
    this.#lines = lines;
    this.#render = format === "json" ? jsonLine : textLine;
    this.#wall = wall;
  }

  /** Writes the record of an invocation. */
  completed(end: InvocationOutcome): void {
    this.#lines.add(this.#render(end, this.#time()));
  }

  /** Formats the time as ISO 8601; the second is cached. */
  #time(): string {
    const ms = Math.floor(this.#wall());
    const second = Math.floor(ms / 1000);
    if (second !== this.#lastSecond) {
      this.#lastSecond = second;
      this.#untilMs = new Date(ms).toISOString().slice(0, -"000Z".length);
    }
    return `${this.#untilMs}${String(ms - second * 1000).padStart(3, "0")}Z`;
  }
}

function textLine(end: InvocationOutcome, time: string): string {
  const { functionName, caller, outcome, responseMs } = end;
  const by = caller === "" ? "" : ` for ${caller}`;
  return `${time} INFO invocation: ${functionName} ${outcome}${by} in ${round(responseMs)} ms\n`;
}

/** Quotes names, codes, classes and ids, which need no escapes. */
function jsonLine(end: InvocationOutcome, time: string): string {
  const { functionName, outcome, tier, message } = end;
  const responseMs = round(end.responseMs);
  return `{"@timestamp":"${time}","level":"INFO",` +
    `"message":"${functionName} ${outcome} in ${responseMs} ms","logger":"serverledge.invocation",` +
    `"id":"${end.id}","function":"${functionName}","outcome":"${outcome}",` +
    (end.caller === "" ? "" : `"caller":"${end.caller}",`) +
    `"class":"${end.qosClass}","place":"${end.place}","cold":${end.cold}` +
    (tier === undefined ? "" : `,"tier":"${tier}"`) +
    `,"waitMs":${round(end.waitMs)},"startMs":${round(end.startMs)}` +
    `,"executionMs":${round(end.executionMs)},"responseMs":${responseMs}` +
    (message === "" ? "}\n" : `,"error":${JSON.stringify(message)}}\n`);
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
