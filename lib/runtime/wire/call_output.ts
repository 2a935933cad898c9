/**
 * Output of functions. A {@link CallOutput} keeps that of one call in flight; an {@link OutputSink}
 * receives all of it for `serverledge logs`.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";

/** Maximum number of characters of output kept for one call. */
export const maxCallOutput = 1 << 20;
/** Notice at the place where output was cut. */
export const outputCut = "\n[output cut here: it is longer than 1,048,576 characters]\n";

/**
 * Receives the output of functions when it arrives. It is called synchronously, so it must be quick and
 * never throw.
 *
 * @param functionName the function that wrote the output
 * @param id the call that wrote it; null if no call wrote it, or the call is unknown
 * @param text whole lines, or a part of one
 * @param time when it was written, ms since 1970; defaults to now
 */
export type OutputSink = (
  functionName: string,
  id: string | null,
  text: string,
  time?: number,
) => void;

/** A line that an instance wrote outside of captured output. */
export interface WrittenLine {
  /** When the line was written, ms since 1970. */
  readonly time: number;
  /** The line without its end. */
  readonly text: string;
}

/** Output of one call so far, at most {@link maxCallOutput} characters. */
export class CallOutput {
  #text = "";
  #full = false;

  /** The output; if it was cut, {@link outputCut} follows. */
  get text(): string {
    return this.#text;
  }

  /**
   * Appends text up to the bound.
   *
   * @param text what was written
   */
  write(text: string): void {
    if (this.#full) return;
    this.#text += text;
    // Output that an executor has cut itself ends with the notice, which is not cut again.
    if (this.#text.length <= maxCallOutput + outputCut.length) return;
    this.#text = this.#text.slice(0, maxCallOutput) + outputCut;
    this.#full = true;
  }
}

/**
 * Returns an error whose `output` detail begins with the output of its call. Output that the error has
 * already comes after it.
 *
 * @param error why the call failed
 * @param output output of the call; may be empty
 */
export function withOutput(error: ServerledgeError, output: string): ServerledgeError {
  if (output === "") return error;
  const { code, message, cause, details } = error;
  const rest = typeof details?.output === "string" ? details.output : "";
  const gap = rest === "" || output.endsWith("\n") ? "" : "\n";
  return new ServerledgeError(code, message, {
    cause,
    details: { ...details, output: output + gap + rest },
  });
}
