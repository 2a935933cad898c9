/**
 * Subcommand `serverledge logs`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { integer } from "@optique/core/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import { type Command, defineCommand } from "../command.ts";
import { functionName } from "../options/options.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { printable } from "../view/style.ts";
import type { Terminal } from "../terminal.ts";
import { argumentOf, flagOf, optionOf, optionWith, text } from "../options/parts.ts";

/** Prints the latest output of a function's instances, as plain lines or, on request, JSON. */
export const logs: Command = defineCommand({
  name: "logs",
  brief: "Print the latest output of a function, and follow new output",
  examples: [
    ["serverledge logs hello -n 20", "the last 20 lines"],
    ["serverledge logs -f hello", "also print new lines until Ctrl-C"],
  ],
  options: object({
    // Other commands have -f for the function, as in the Go CLI, which has no logs command.
    flag: optionOf("--function NAME", text, "Name of the function"),
    argument: optional(argumentOf("NAME", text, "Name of the function")),
    follow: flagOf("-f --follow", "Continue with new lines"),
    lines: optionWith(
      "-n --lines N",
      (meta) => integer({ ...meta, min: 1 }),
      "Number of lines",
      100,
    ),
  }),
  async run(options, globals, terminal) {
    const name = functionName(options, "logs");
    if (options.follow && globals.json) {
      throw new ServerledgeError(
        "INVALID_REQUEST",
        "--follow prints lines and cannot be combined with --json",
      );
    }
    using node = await connect(globals, terminal);
    const path = `/logs/${encodeURIComponent(name)}?lines=${options.lines}`;
    if (options.follow) {
      for await (const text of node.stream(`${path}&follow=true`)) print(text, terminal);
      return;
    }
    const answer = await node.get(path);
    if (globals.json) return show(answer, globals, terminal, () => "");
    for (const line of (answer.json as { Lines: string[] }).Lines) print(`${line}\n`, terminal);
  },
});

function print(text: string, { out }: Terminal): void {
  out.write(out.isTerminal ? text.split("\n").map(printable).join("\n") : text);
}
