/**
 * Subcommand `serverledge licenses`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import { flagOf } from "../options/parts.ts";
import { formatTable } from "../view/table.ts";

/** Prints the licenses of the software in the program. */
export const licenses: Command = defineCommand({
  name: "licenses",
  brief: "Print the licenses of the software that this program is built from",
  description: "Serverledge itself has the MIT license. The build leaves out parts of packages " +
    "that are never used. Deno contains further software, which its own source lists.",
  examples: [
    ["serverledge licenses", "name, version and license of each package"],
    ["serverledge licenses --texts | less", "the license texts, too"],
  ],
  options: object({ texts: flagOf("--texts", "Print the texts of the licenses, too") }),
  async run({ texts }, globals, terminal) {
    const { licenses } = await import("../licenses.ts");
    const software = await licenses();
    if (globals.json) {
      const list = software.map(({ name, version, license, text }) => ({
        Name: name,
        Version: version,
        License: license,
        ...(texts && { Text: text }),
      }));
      return terminal.out.write(`${JSON.stringify(list, null, "\t")}\n`);
    }
    const rows = software.map(({ name, version, license }) => [name, version, license]);
    terminal.out.write(`${formatTable(["NAME", "VERSION", "LICENSE"], rows)}\n`);
    if (!texts) return;
    for (const { name, version, text } of software) {
      if (text) terminal.out.write(`\n== ${name} ${version}\n\n${text}\n`);
    }
  },
});
