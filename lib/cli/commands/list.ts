/**
 * Subcommand `serverledge list`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { WireOf } from "../../json/wire_names.ts";
import { functionNames, type FunctionRecord } from "../../model/function.ts";
import { type Command, defineCommand } from "../command.ts";
import { readableFunction } from "../view/function.ts";
import { connect } from "../client/session.ts";
import { isReadable, show } from "../view/show.ts";
import { printable } from "../view/style.ts";
import { formatTable } from "../view/table.ts";
import type { Output } from "../terminal.ts";
import { flagOf } from "../options/parts.ts";

/** Lists the registered functions: as names for scripts, as a table for people. */
export const list: Command = defineCommand({
  name: "list",
  brief: "List functions",
  examples: [
    ["serverledge list", "a table on a terminal, otherwise names as JSON"],
    ["serverledge list --details", "the definition of each function"],
  ],
  options: object({
    details: flagOf("--details", "Print the definition of each function, not only its name"),
  }),
  async run({ details }, globals, terminal) {
    using node = await connect(globals, terminal);
    const full = details || isReadable(globals, terminal);
    const answer = await node.get(full ? "/functions?details=true" : "/function");
    show(answer, globals, terminal, () => {
      const functions = (answer.json as WireOf<typeof functionNames>[]).map(functionNames.fromWire);
      return details ? functionDetails(functions, terminal.out) : functionTable(functions);
    });
  },
});

const noFunctions = "No functions yet: see serverledge create --help";

function functionDetails(functions: readonly FunctionRecord[], output: Output): string {
  if (functions.length === 0) return noFunctions;
  return functions.map((fn) => readableFunction(fn, output)).join("\n\n");
}

/**
 * Formats functions as a table for people.
 *
 * @param functions records of the functions
 */
export function functionTable(functions: readonly FunctionRecord[]): string {
  if (functions.length === 0) return noFunctions;
  return formatTable(
    "NAME|RUNTIME|>MEMORY|>CPU|>CONCURRENCY|>WARM|NETWORK|HANDLER OR IMAGE".split("|"),
    functions.map((fn) => [
      fn.name,
      fn.runtime,
      `${fn.memoryMib} MiB`,
      fn.cpu ? String(fn.cpu) : "-",
      String(fn.maxConcurrency),
      String(fn.minInstances),
      fn.network,
      printable(fn.customImage || fn.handler),
    ]),
  );
}
