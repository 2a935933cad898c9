/**
 * `serverledge logs`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { type Command, defineCommand } from "../command.ts";
import { exits } from "../exits.ts";
import { doc, functionName, functionOption } from "../options.ts";
import { connect } from "../session.ts";
import { show } from "../show.ts";
import { printable } from "../style.ts";

/** Prints what instances of a function wrote last: plain lines, unless JSON is asked for. */
export const logs: Command = defineCommand({
  name: "logs",
  brief: "Print what a function's instances wrote last",
  examples: [["serverledge logs hello -n 20", "the last 20 lines"]],
  options: merge(
    functionOption,
    object({
      lines: withDefault(
        option("-n", "--lines", integer({ metavar: "N", min: 1 }), doc("How many lines")),
        100,
      ),
    }),
  ),
  async run(options, globals, terminal) {
    const name = functionName(options, "logs");
    using node = await connect(globals, terminal);
    const answer = await node.get(`/logs/${encodeURIComponent(name)}?lines=${options.lines}`);
    if (globals.json) {
      show(answer, globals, terminal, () => "");
      return exits.ok;
    }
    for (const line of (answer.json as { Lines: string[] }).Lines) {
      terminal.out.write(`${terminal.out.isTerminal ? printable(line) : line}\n`);
    }
    return exits.ok;
  },
});
