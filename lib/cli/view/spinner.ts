/**
 * A sign of life while something takes long, on a terminal only.
 *
 * @module
 */

import type { Terminal } from "../terminal.ts";

/** What takes less time than this shows nothing, ms. */
const patienceMs = 300;
const frameMs = 100;
/** Longest label that is shown: a line that wraps could not be taken back. */
const maxLabel = 70;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/**
 * Shows what is under way and for how long, until it ends; then nothing of the sign is left.
 *
 * @param terminal shown on its error output, if a person reads that
 * @param label what is under way, asked for at each frame
 */
export async function during<T>(
  terminal: Pick<Terminal, "err">,
  label: string | (() => string),
  task: () => Promise<T>,
): Promise<T> {
  const { err } = terminal;
  if (!err.isTerminal) return await task();
  const since = performance.now();
  let frame = 0;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - since;
    if (elapsedMs < patienceMs) return;
    const sign = frames[frame++ % frames.length];
    const text = shortened(typeof label === "string" ? label : label());
    err.write(`\r\x1b[K${sign} ${text} ${Math.round(elapsedMs / 1e3)} s`);
  }, frameMs);
  try {
    return await task();
  } finally {
    clearInterval(timer);
    if (frame > 0) err.write("\r\x1b[K");
  }
}

function shortened(text: string): string {
  return text.length > maxLabel ? `${text.slice(0, maxLabel - 1)}…` : text;
}
