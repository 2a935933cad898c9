/**
 * One structured log record for each invocation.
 *
 * Its lines are written without a record of the logger in between, which would be made and taken
 * apart for each invocation.
 *
 * @module
 */

import type { LineSink } from "../base/log.ts";
import type { InvocationObserver, InvocationOutcome } from "../scheduler/observer.ts";

/** Writes the records, at level `info`. */
export class InvocationLog implements InvocationObserver {
  readonly #lines: LineSink;
  readonly #render: (end: InvocationOutcome, time: string) => string;
  readonly #wall: () => number;
  #lastSecond = NaN;
  /** The time of that second up to its milliseconds. */
  #untilMs = "";

  /**
   * @param format form of a record, see `log.format`
   * @param wall reads the wall clock, ms
   */
  constructor(lines: LineSink, format: "text" | "json", wall: () => number) {
    this.#lines = lines;
    this.#render = format === "json" ? jsonLine : textLine;
    this.#wall = wall;
  }

  /** Writes the record of one end. */
  completed(end: InvocationOutcome): void {
    this.#lines.add(this.#render(end, this.#time()));
  }

  /** The time as ISO 8601 has it; many invocations end in the same second. */
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

function textLine({ functionName, outcome, responseMs }: InvocationOutcome, time: string): string {
  return `${time} INFO invocation: ${functionName} ${outcome} in ${round(responseMs)} ms\n`;
}

/** Names, codes, classes and ids hold nothing that JSON would escape. */
function jsonLine(end: InvocationOutcome, time: string): string {
  const { functionName, outcome, tier, message } = end;
  const responseMs = round(end.responseMs);
  return `{"@timestamp":"${time}","level":"INFO",` +
    `"message":"${functionName} ${outcome} in ${responseMs} ms","logger":"serverledge.invocation",` +
    `"id":"${end.id}","function":"${functionName}","outcome":"${outcome}",` +
    `"class":"${end.qosClass}","place":"${end.place}","cold":${end.cold}` +
    (tier === undefined ? "" : `,"tier":"${tier}"`) +
    `,"waitMs":${round(end.waitMs)},"startMs":${round(end.startMs)}` +
    `,"executionMs":${round(end.executionMs)},"responseMs":${responseMs}` +
    (message === "" ? "}\n" : `,"error":${JSON.stringify(message)}}\n`);
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
