/**
 * Subcommand `serverledge delete`.
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { functionName, functionOption } from "../options/options.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";

/** Removes a function. */
export const deleteFunction: Command = defineCommand({
  name: "delete",
  brief: "Remove a function",
  examples: [["serverledge delete hello", "delete it from all nodes that share the registry"]],
  options: functionOption,
  async run(options, globals, terminal) {
    const name = functionName(options, "delete");
    using node = await connect(globals, terminal);
    const answer = await node.post("/delete", { Name: name });
    show(answer, globals, terminal, () => `Deleted ${name}`);
  },
});
