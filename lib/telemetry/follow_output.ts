/**
 * Output of a function as it is written, for `serverledge logs --follow`.
 *
 * @module
 */

import { withTimeout } from "../base/async.ts";
import type { OutputLine, OutputLog } from "./output_log.ts";

/** Interval of checks for output of instances that is not in the log yet, and for the end, ms. */
const askEveryMs = 1_000;
/** Maximum number of lines read at a time. */
const maxLines = 1_000;
/** Maximum number of instances' lines remembered, so that they are not shown again when their instance ends. */
const maxShown = 10_000;

/** Line without its number. */
export type WrittenLine = Omit<OutputLine, "seq">;

/** Sources of output. */
export interface FollowedOutput {
  readonly log: Pick<OutputLog, "read" | "listen">;
  /** Output of instances that is not in the log yet, oldest first. */
  readonly outside: () => Promise<readonly WrittenLine[]>;
  /** Whether there is something to follow. */
  readonly goesOn: () => boolean;
  /** Stops following. */
  readonly signal: AbortSignal;
}

/**
 * Follows the output of a function.
 *
 * @param lines number of earlier lines to start with
 * @param output sources of output
 * @returns batches of lines in the order in which they were found
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
      const batch = isFirst ? fresh.slice(fresh.length - Math.min(lines, fresh.length)) : fresh;
      isFirst = false;
      if (batch.length > 0) yield batch;
      else await withTimeout(written, askEveryMs);
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Recognizes lines that were already shown, since instances' lines appear in the log when these end. */
class ShownLines {
  readonly #keys = new Set<string>();

  /** @returns false if the line was shown */
  add({ id, time, text }: WrittenLine): boolean {
    if (id !== "-") return true;
    const key = `${time} ${text}`;
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    if (this.#keys.size > maxShown) this.#keys.delete(this.#keys.values().next().value!);
    return true;
  }
}
