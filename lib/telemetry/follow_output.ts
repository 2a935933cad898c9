/**
 * What a function writes, as it writes it, for `serverledge logs --follow`.
 *
 * @module
 */

import { withTimeout } from "../base/async.ts";
import type { OutputLine, OutputLog } from "./output_log.ts";

/** How often instances are asked for what is not in the log yet, and the end is looked for, ms. */
const askEveryMs = 1_000;
/** Most lines read at once. */
const maxLines = 1_000;
/** Most lines of instances that are remembered, so that none is shown again when its instance ends. */
const maxShown = 10_000;

/** A line without its number. */
export type WrittenLine = Omit<OutputLine, "seq">;

/** Where lines come from. */
export interface FollowedOutput {
  readonly log: Pick<OutputLog, "read" | "listen">;
  /** What instances wrote that is not in the log yet; oldest first. */
  readonly outside: () => Promise<readonly WrittenLine[]>;
  /** True as long as there is something to follow. */
  readonly goesOn: () => boolean;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/**
 * Follows a function.
 *
 * @param name the function's
 * @param lines how many lines that were written before come first
 * @param output where lines come from
 * @returns lines in the order in which they were found, those of one look together
 */
export async function* followOutput(
  name: string,
  lines: number,
  { log, outside, goesOn, signal }: FollowedOutput,
): AsyncGenerator<WrittenLine[]> {
  const shown = new ShownLines();
  let wake = () => {};
  using _listening = log.listen(name, () => wake());
  const abort = () => wake();
  signal.addEventListener("abort", abort);
  let after = 0;
  let asked = -Infinity;
  let isFirst = true;
  try {
    while (!signal.aborted && goesOn()) {
      const written = new Promise<void>((resolve) => wake = resolve);
      const found: WrittenLine[] = log.read(name, { last: maxLines, after, ended: true });
      after = (found.at(-1) as OutputLine | undefined)?.seq ?? after;
      if (performance.now() - asked >= askEveryMs) {
        found.push(...await outside());
        found.sort((a, b) => a.time - b.time);
        asked = performance.now();
      }
      const fresh = found.filter((line) => shown.add(line));
      const told = isFirst ? fresh.slice(fresh.length - Math.min(lines, fresh.length)) : fresh;
      isFirst = false;
      if (told.length > 0) yield told;
      else await withTimeout(written, askEveryMs);
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Tells lines of instances that were shown already: they come again in the log when these end. */
class ShownLines {
  readonly #keys = new Set<string>();

  /** @returns false if it was shown */
  add({ id, time, text }: WrittenLine): boolean {
    if (id !== "-") return true;
    const key = `${time} ${text}`;
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    if (this.#keys.size > maxShown) this.#keys.delete(this.#keys.values().next().value!);
    return true;
  }
}
