/**
 * Progress indicator for long tasks, shown on a terminal only.
 *
 * @module
 */

import type { Terminal } from "../terminal.ts";

/** Time after which the indicator of a task appears, ms. */
const patienceMs = 300;
const frameMs = 100;
/** Maximum length of a label; a line that wraps could not be erased. */
const maxLabel = 70;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/**
 * Runs a task and shows its label and duration until it ends; then the indicator is erased.
 *
 * @param terminal shows the indicator on its error output if that is a terminal
 * @param label description of the task, or a function that is called for each frame
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
