/**
 * Emphasis for people who read on a terminal.
 *
 * @module
 */

import { styleText } from "node:util";
import type { Output } from "../terminal.ts";

/**
 * Emphasizes a text where the output can show it.
 *
 * @param output where the text will be written
 */
export function styled(
  output: Pick<Output, "colour">,
  emphasis: Parameters<typeof styleText>[0],
  text: string,
): string {
  // Whether it can was found out already; `styleText` asks standard output only.
  return output.colour ? styleText(emphasis, text, { validateStream: false }) : text;
}

/**
 * Makes a text from outside safe for a terminal: without control characters but tab and newline,
 * so that what a function wrote cannot move the cursor or change the window.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is looked for
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\u{FFFD}");
}
