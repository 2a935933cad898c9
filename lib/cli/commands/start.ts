/**
 * Subcommand `serverledge start`.
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { merge, object } from "@optique/core/constructs";
import { configOptions } from "../options/options.ts";
import { flagOf } from "../options/parts.ts";
import { replaceOption } from "../successor.ts";

/** Runs a node until a signal stops it. */
export const start: Command = defineCommand({
  name: "start",
  brief: "Run a node",
  description:
    "The node listens on this machine only, because anyone who can reach it can run code " +
    "on this machine; --listen 0.0.0.0 accepts connections from the network. On SIGINT " +
    "and SIGTERM the node waits for running invocations; a second signal terminates it " +
    "at once. On SIGUSR2 it starts its program again, which takes over without a lost " +
    "request. --port (or api.port) is the port to listen on. See serverledge config " +
    "--help for configuration files.",
  examples: [
    ["serverledge start", "a node for this machine, on port 1323"],
    ["serverledge start node.yaml --listen 0.0.0.0", "a configured node, open to the network"],
    ["serverledge start --set container.pool.memory=4096 --area edge-1", "single keys"],
  ],
  options: merge(
    configOptions,
    object({
      replace: flagOf(
        replaceOption,
        "Take over from the running process of this node, without a lost request",
      ),
    }),
  ),
  async run(options, globals, terminal) {
    // Commands of clients need not load the node.
    const { runServer } = await import("../run_node.ts");
    const { startNode } = await import("../../node/node.ts");
    const kind = { name: "Node", command: "start", start: startNode };
    await runServer(kind, options, globals, terminal, options.replace);
  },
});
