/**
 * Subcommand `serverledge version`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { commit, version as number } from "../../base/version.ts";
import { type Command, defineCommand } from "../command.ts";
import { indentJson } from "../view/indent_json.ts";
import { versionLine } from "../run.ts";

/** Prints version, commit and Deno version. */
export const version: Command = defineCommand({
  name: "version",
  brief: "Print the version, the commit and the Deno version",
  examples: [["serverledge version --json", "the same as JSON"]],
  options: object({}),
  run(_options, globals, terminal) {
    const facts = { Version: number, Commit: commit, Deno: Deno.version.deno };
    const text = globals.json ? indentJson(JSON.stringify(facts)) : versionLine;
    terminal.out.write(`${text}\n`);
    return Promise.resolve();
  },
});
