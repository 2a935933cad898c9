/**
 * Styles text for terminals, and makes it safe to print.
 *
 * @module
 */

import { styleText } from "node:util";
import type { Output } from "../terminal.ts";

/**
 * Emphasizes a text if the output supports it.
 *
 * @param output where the text will be written
 */
export function styled(
  output: Pick<Output, "colour">,
  emphasis: Parameters<typeof styleText>[0],
  text: string,
): string {
  // `colour` says whether this output supports it; `styleText` would check standard output only.
  return output.colour ? styleText(emphasis, text, { validateStream: false }) : text;
}

/**
 * Makes a text from outside safe for a terminal: replaces control characters except tab and newline.
 * The output of a function then cannot move the cursor or change the window.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are replaced
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\u{FFFD}");
}
