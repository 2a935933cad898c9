/**
 * Runs benchmark suites, prints a table and writes a JSON file.
 *
 * Usage: scripts/bench.sh [SUITE...] [--json FILE]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { describeMachine } from "../machine.ts";
import { formatTable, Results } from "./results.ts";
import { parts, suites } from "./suites.ts";

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { json: { type: "string" } },
    allowPositionals: true,
  });
  const names = positionals.length > 0 ? positionals : Object.keys(suites);
  const known = { ...suites, ...parts };
  const unknown = names.find((name) => !(name in known));
  if (unknown !== undefined) {
    console.error(
      `bench: there is no suite ${unknown}: choose from ${Object.keys(known).join(", ")}`,
    );
    Deno.exit(1);
  }
  const machine = await describeMachine();
  const results = new Results();
  for (const name of names) {
    console.log(`== suite ${name}`);
    await known[name]!(results);
  }
  console.log(`\n${machine}\n\n${formatTable(results.metrics)}`);
  if (values.json !== undefined) {
    await Deno.writeTextFile(values.json, JSON.stringify(results.metrics, null, 2) + "\n");
  }
}
