/**
 * A terminal that remembers what is written to it.
 *
 * @module
 */

import type { Terminal } from "../../../lib/cli/terminal.ts";

/** A terminal and what was written to it so far. */
export interface RecordedTerminal {
  /** What a command is given. */
  readonly terminal: Terminal;
  /** All text by output. */
  readonly written: { out: string; err: string };
}

/**
 * Makes one that nobody watches.
 *
 * @param env environment variables
 */
export function recordedTerminal(env: Record<string, string> = {}): RecordedTerminal {
  const written = { out: "", err: "" };
  const output = (name: "out" | "err") => ({
    isTerminal: false,
    colour: false,
    write(text: string) {
      written[name] += text;
    },
  });
  return { terminal: { out: output("out"), err: output("err"), env }, written };
}
