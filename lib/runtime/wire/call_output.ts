/**
 * Output of functions: kept for each call in flight, and passed to
 * whoever keeps it for `serverledge logs`.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";

/** Most characters of output that one call keeps. */
export const maxCallOutput = 1 << 20;
/** Stands where output was cut. */
export const outputCut = "\n[output cut here: it is longer than 1 MiB]\n";

/**
 * Takes what functions write, when it arrives. Called synchronously: must be quick and never throw.
 *
 * @param functionName whose output it is
 * @param id the call that wrote it; null if it was outside of any call, or nobody can tell whose it was
 * @param text whole lines, or a part of one
 * @param time when it was written, ms since 1970; now, if left out
 */
export type OutputSink = (
  functionName: string,
  id: string | null,
  text: string,
  time?: number,
) => void;

/** A line that an instance wrote outside of captured output. */
export interface WrittenLine {
  /** When, ms since 1970. */
  readonly time: number;
  /** The line without its end. */
  readonly text: string;
}

/** What one call has written so far, bounded. */
export class CallOutput {
  #text = "";
  #full = false;

  /** The text; behind it, if it was cut, a line that says so. */
  get text(): string {
    return this.#text;
  }

  /**
   * Adds to it, up to the bound.
   *
   * @param text what was written
   */
  write(text: string): void {
    if (this.#full) return;
    this.#text += text;
    // What an executor has cut itself ends with the notice, which is not cut again.
    if (this.#text.length <= maxCallOutput + outputCut.length) return;
    this.#text = this.#text.slice(0, maxCallOutput) + outputCut;
    this.#full = true;
  }
}

/**
 * An error that tells what the call had written, before what it tells already.
 *
 * @param error why the call failed
 * @param output what it had written; may be empty
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
