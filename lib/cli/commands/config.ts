/**
 * Subcommand `serverledge config`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import { configOptions } from "../options/options.ts";
import { isReadable } from "../view/show.ts";
import { warn } from "../view/warn.ts";
import { flagOf } from "../options/parts.ts";

/** Prints the effective configuration of a node, or an example file. */
export const config: Command = defineCommand({
  name: "config",
  brief: "Print the configuration that start would use, with the origin of each value",
  description: "Sources in order of increasing precedence: defaults, file, environment, command " +
    "line. The file is CONFIG, or else the first serverledge-conf.{yaml,yml,toml,json} " +
    "in /etc/serverledge, $HOME, and the current directory. Environment variables are " +
    "named after keys: SERVERLEDGE_API_PORT sets api.port.",
  examples: [
    ["serverledge config", "keys, values and origins"],
    ["serverledge config --example > serverledge-conf.yaml", "a file to start with"],
    ["serverledge config node.toml --set api.port=8080", "check a file and a setting"],
  ],
  options: merge(
    configOptions,
    object({
      example: flagOf("--example", "Print a YAML file with all keys and their descriptions"),
    }),
  ),
  async run(options, globals, terminal) {
    // Only this command and start need the schemas.
    const { loadConfig } = await import("../config/files.ts");
    const { describeConfig, configTable, exampleConfig } = await import("../config/view.ts");
    if (options.example) {
      return terminal.out.write(exampleConfig());
    }
    const resolved = await loadConfig(options, globals.port, terminal.env);
    for (const warning of resolved.warnings) warn(terminal, warning);
    const rows = describeConfig(resolved);
    const text = isReadable(globals, terminal) || !globals.json
      ? configTable(rows)
      : JSON.stringify(rows, null, "\t");
    terminal.out.write(`${text}\n`);
  },
});
