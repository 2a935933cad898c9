/**
 * Emphasis for people who read on a terminal.
 *
 * @module
 */

import type { Output } from "../terminal.ts";

/** A kind of emphasis. */
export type Emphasis = "bold" | "dim" | "red" | "green" | "yellow";

/** SGR parameters of ECMA-48: begin and end. */
const codes: Readonly<Record<Emphasis, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/**
 * Emphasizes a text where the output can show it.
 *
 * @param output where the text will be written
 * @param emphasis how to show it
 * @param text what to show
 */
export function styled(
  output: Pick<Output, "colour">,
  emphasis: Emphasis,
  text: string,
): string {
  if (!output.colour) return text;
  const [begin, end] = codes[emphasis];
  return `\x1b[${begin}m${text}\x1b[${end}m`;
}

/**
 * Makes a text from outside safe for a terminal: without control characters but tab and newline,
 * so that what a function wrote cannot move the cursor or change the window.
 *
 * @param text what came in
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is looked for
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\u{FFFD}");
}
