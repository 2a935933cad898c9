/**
 * Shows the response of a node.
 *
 * @module
 */

import type { Answer } from "../client/client.ts";
import { indentJson } from "./indent_json.ts";
import type { Globals } from "../options/options.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Shows a response. A terminal gets the form for people. Other outputs, and `--json`, get the node's
 * JSON indented by tabs, as the Go CLI prints it.
 *
 * @param readable the form for people, without a newline at the end
 */
export function show(
  answer: Pick<Answer, "text">,
  globals: Pick<Globals, "json">,
  terminal: Terminal,
  readable: () => string,
): void {
  const text = isReadable(globals, terminal) ? readable() : indentJson(answer.text);
  terminal.out.write(`${text}\n`);
}

/** Returns true if the result is shown in the form for people. */
export function isReadable(globals: Pick<Globals, "json">, terminal: Terminal): boolean {
  return terminal.out.isTerminal && !globals.json;
}
