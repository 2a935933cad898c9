/**
 * Warnings for people.
 *
 * @module
 */

import { printable, styled } from "./style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Writes a warning in one line.
 *
 * @param terminal written on its error output
 * @param warning one sentence
 */
export function warn(terminal: Pick<Terminal, "err">, warning: string): void {
  const { err } = terminal;
  err.write(`${styled(err, "yellow", "warning:")} ${printable(warning)}\n`);
}
