/**
 * Subcommand `serverledge start`.
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { configOptions } from "../options/options.ts";

/** Runs a node until a signal stops it. */
export const start: Command = defineCommand({
  name: "start",
  brief: "Run a node",
  description: "It listens on this machine only, since whoever reaches it can run code on it; " +
    "--listen 0.0.0.0 opens it. SIGINT and SIGTERM let running invocations finish; a second " +
    "signal ends it at once. --port (or api.port) is the port to listen on. " +
    "See serverledge config --help for configuration files.",
  examples: [
    ["serverledge start", "a node for this machine, port 1323"],
    ["serverledge start node.yaml --listen 0.0.0.0", "a configured node, open to the network"],
    ["serverledge start --set container.pool.memory=4096 --area edge-1", "keys one by one"],
  ],
  options: configOptions,
  async run(options, globals, terminal) {
    // Commands of clients need not load the node.
    const { runServer } = await import("../run_node.ts");
    const { startNode } = await import("../../node/node.ts");
    const kind = { name: "Node", command: "start", start: startNode };
    await runServer(kind, options, globals, terminal);
  },
});
