/**
 * Compares the keep-alive policies of a node on a trace, and writes a table and a plot. Without a trace
 * a synthetic one is drawn.
 *
 * ```sh
 * deno run -A scripts/keep_alive/replay.ts                       # the files in this folder
 * deno run -A scripts/keep_alive/replay.ts --trace mine.csv --out /tmp/mine
 * ```
 *
 * @module
 */

import { parseArgs } from "node:util";
import { compare } from "./compare.ts";
import { comparisonCsv, comparisonFigure, comparisonTable } from "./report.ts";
import { syntheticTrace } from "./synthetic.ts";
import { readTrace, traceCsv } from "./trace.ts";

const dayMs = 86_400_000;
const usage = `replay.ts [--trace FILE]... [--out FOLDER] [--write-trace FILE]
          [--functions N] [--days N] [--seed N]`;

/** Carries out a command line. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      trace: { type: "string", multiple: true, default: [] },
      out: { type: "string", default: new URL("./", import.meta.url).pathname },
      "write-trace": { type: "string" },
      functions: { type: "string", default: "1000" },
      days: { type: "string", default: "3" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const [functions, days, seed] = [values.functions, values.days, values.seed].map(Number);
  const options = { functions: functions!, lengthMs: days! * dayMs, seed: seed! };
  const trace = values.trace.length > 0
    ? readTrace(await Promise.all(values.trace.map((path) => Deno.readTextFile(path))))
    : [...syntheticTrace(options)];
  const endMs = values.trace.length > 0
    ? Math.max(0, ...trace.map(({ arrivalsMs }) => arrivalsMs.at(-1) ?? 0)) + 1
    : options.lengthMs;
  if (values["write-trace"]) await Deno.writeTextFile(values["write-trace"], traceCsv(trace));

  const comparison = compare(trace, endMs);
  const subtitle =
    `${values.trace.length > 0 ? "trace of a user" : `synthetic trace, seed ${seed}`}: ` +
    `${comparison.functions} functions, ${comparison.rows[0]!.requests} requests, ` +
    `${Math.round(endMs / 3_600_000)} h`;
  await Deno.mkdir(values.out, { recursive: true });
  const write = (name: string, text: string) => Deno.writeTextFile(`${values.out}/${name}`, text);
  await write("results.csv", comparisonCsv(comparison));
  await write("results.md", comparisonTable(comparison));
  await write("results.svg", comparisonFigure(comparison, subtitle));
  console.log(`${subtitle}\n\n${comparisonTable(comparison)}`);
}

if (import.meta.main) await main();
