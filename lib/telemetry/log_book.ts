/**
 * What functions wrote lately, for `serverledge logs`: bounded, in memory.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { InvocationEnd, InvocationObserver } from "../scheduler/observer.ts";

/** Most lines kept for one function. */
const maxLines = 1_000;
/** Longest line kept, characters. */
const maxLineLength = 2_000;
/** Most functions with lines; the one that wrote least recently goes first. */
const maxFunctions = 1_000;

/** Lines by function, oldest first. */
export class LogBook implements InvocationObserver {
  readonly #clock: Clock;
  readonly #lines = new Map<string, string[]>();

  /**
   * An empty book.
   *
   * @param clock whose wall time is written before each line
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps what one invocation wrote, and its error. */
  ended(end: InvocationEnd): void {
    if (end.output === "" && end.message === "") return;
    const text = end.message === "" ? end.output : `${end.output}\n${end.outcome}: ${end.message}`;
    this.#keep(end.functionName, end.id, text);
  }

  /** Keeps what an interrupted function wrote. */
  stopped(functionName: string, id: string, output: string): void {
    this.#keep(functionName, id, output);
  }

  /**
   * The last lines of a function.
   *
   * @param count how many at most
   */
  tail(name: string, count: number): string[] {
    return count > 0 ? (this.#lines.get(name) ?? []).slice(-count) : [];
  }

  /** The function is gone. */
  forget(name: string): void {
    this.#lines.delete(name);
  }

  #keep(functionName: string, id: string, text: string): void {
    const lines = this.#lines.get(functionName) ?? [];
    this.#lines.delete(functionName);
    this.#lines.set(functionName, lines);
    const stamp = `${new Date(this.#clock.wall()).toISOString()} ${id} `;
    for (const line of text.split("\n").slice(-maxLines)) {
      if (line !== "") lines.push(stamp + line.slice(0, maxLineLength));
    }
    lines.splice(0, Math.max(0, lines.length - maxLines));
    if (this.#lines.size > maxFunctions) this.#lines.delete(this.#lines.keys().next().value!);
  }
}
