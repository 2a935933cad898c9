/**
 * Implementation of `serverledge simulate`.
 *
 * @module
 */

import { parseConfigText } from "../../cli/config/text.ts";
import { exits } from "../../cli/exits.ts";
import type { Globals } from "../../cli/options/options.ts";
import { readTextFile } from "../../cli/options/text_file.ts";
import type { SimulateOptions } from "../commands/simulate_options.ts";
import { checkOutputFile, writeOutputFile } from "../output_files.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { isReadable } from "../../cli/view/show.ts";
import { styled } from "../../cli/view/style.ts";
import { warn } from "../../cli/view/warn.ts";
import { policyNames } from "../../model/policy_names.ts";
import { compare } from "../simulator/results/compare.ts";
import { comparisonCsv } from "../simulator/results/csv.ts";
import { readScenarioFile } from "../simulator/scenario/file.ts";
import { readScenario } from "../simulator/scenario/scenario.ts";
import { comparisonTable } from "./comparison_table.ts";

/**
 * Simulates a scenario under each policy and writes the comparison.
 *
 * @param options options of the command
 * @param globals global options
 * @param terminal standard streams
 * @returns the exit status
 * @throws `INVALID_REQUEST` if the scenario cannot be read or is invalid
 */
export async function runSimulate(
  options: SimulateOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<number> {
  const { scenario, policies, seeds = 3, duration, csv, svg } = options;
  const value = await readScenarioFile(
    scenario,
    async (file) => await parseConfigText(await readTextFile(file, "scenario"), file),
  );
  const file = readScenario(duration === undefined ? value : { ...value, duration });
  for (const output of [csv, svg]) if (output !== undefined) await checkOutputFile(output);
  const comparison = await compare({
    file,
    policies: policies.length > 0 ? policies : policyNames,
    seeds: Array.from({ length: seeds }, (_, at) => at + 1),
    warn: (problem) => warn(terminal, problem),
    progress: progressOn(terminal),
  });
  endProgress(terminal);
  if (csv !== undefined) await writeOutputFile(csv, comparisonCsv(comparison));
  if (svg !== undefined) {
    const { comparisonFigure } = await import("../simulator/results/figure.ts");
    await writeOutputFile(svg, comparisonFigure(comparison));
  }
  const text = isReadable(globals, terminal)
    ? comparisonTable(comparison)
    : JSON.stringify(comparison, null, "\t");
  terminal.out.write(`${text}\n`);
  return exits.ok;
}

function progressOn({ err }: Terminal): (policy: string, seed: number) => void {
  if (!err.isTerminal) return () => {};
  return (policy, seed) => {
    err.write(`\r\x1b[K${styled(err, "dim", `simulating ${policy}, seed ${seed}`)}`);
  };
}

function endProgress({ err }: Terminal): void {
  if (err.isTerminal) err.write("\r\x1b[K");
}
