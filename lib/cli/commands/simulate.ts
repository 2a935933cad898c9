/**
 * `serverledge simulate`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { float, integer, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import { policyNames } from "../../model/policy_names.ts";
import type { Comparison } from "../../lab/simulator/results/results.ts";
import { type Command, defineCommand } from "../command.ts";
import { exits } from "../exits.ts";
import { checkOutputFile, writeOutputFile } from "../output_files.ts";
import { isReadable } from "../view/show.ts";
import { styled } from "../view/style.ts";
import type { Terminal } from "../terminal.ts";
import { warn } from "../view/warn.ts";

const options = object({
  scenario: argument(path({ metavar: "SCENARIO" }), {
    description: message`YAML file that says what happens`,
  }),
  policies: multiple(option("--policy", string({ metavar: "NAME|FILE" }), {
    description: message`Policy to try, may be repeated; without it all of the program's`,
  })),
  seeds: optional(option("--seeds", integer({ metavar: "N", min: 1, max: 1000 }), {
    description: message`How often, with chance of its own each time (3)`,
  })),
  duration: optional(option("--duration", float({ metavar: "SECONDS", min: 1 }), {
    description: message`Simulated time instead of the scenario's`,
  })),
  csv: optional(option("--csv", path({ metavar: "FILE" }), {
    description: message`Write a row for each policy and class`,
  })),
  svg: optional(option("--svg", path({ metavar: "FILE" }), {
    description: message`Draw the comparison`,
  })),
});

/** Compares policies in a simulated continuum. */
export const simulate: Command = defineCommand({
  name: "simulate",
  brief: "Compare scheduling policies in a simulated continuum",
  description:
    "Nodes with the scheduler, queue and pool of real ones live through a scenario under a virtual " +
    "clock: same scenario and seed, same result. Needs no node. All policies meet the same requests.",
  examples: [
    ["serverledge simulate flash-crowd.yaml", "all policies"],
    [
      "serverledge simulate fgcs.yaml --policy qosaware --policy ./mine.ts --seeds 10",
      "yours against another, with confidence intervals",
    ],
    ["serverledge simulate fgcs.yaml --svg fgcs.svg --json > fgcs.json", "drawn, and for scripts"],
  ],
  options,
  async run({ scenario, policies, seeds = 3, duration, csv, svg }, globals, terminal) {
    const { parseConfigText } = await import("../config/text.ts");
    const { readScenario } = await import("../../lab/simulator/scenario/scenario.ts");
    const { compare } = await import("../../lab/simulator/results/compare.ts");
    const { readScenarioFile } = await import("../../lab/simulator/scenario/file.ts");
    const value = await readScenarioFile(
      scenario,
      async (file) => await parseConfigText(await readFile(file), file),
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
    if (csv !== undefined) {
      const { comparisonCsv } = await import("../../lab/simulator/results/csv.ts");
      await writeOutputFile(csv, comparisonCsv(comparison));
    }
    if (svg !== undefined) {
      const { comparisonFigure } = await import("../../lab/simulator/results/figure.ts");
      await writeOutputFile(svg, comparisonFigure(comparison));
    }
    const { comparisonTable } = await import("../view/comparison_table.ts");
    const text = isReadable(globals, terminal)
      ? comparisonTable(comparison)
      : JSON.stringify(comparison satisfies Comparison, null, "\t");
    terminal.out.write(`${text}\n`);
    return exits.ok;
  },
});

function progressOn({ err }: Terminal): (policy: string, seed: number) => void {
  if (!err.isTerminal) return () => {};
  return (policy, seed) => {
    err.write(`\r\x1b[K${styled(err, "dim", `simulating ${policy}, seed ${seed}`)}`);
  };
}

function endProgress({ err }: Terminal): void {
  if (err.isTerminal) err.write("\r\x1b[K");
}

async function readFile(file: string): Promise<string> {
  return await Deno.readTextFile(file).catch((error) => {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw new ServerledgeError("INVALID_REQUEST", `Cannot read ${file}: ${reason}`, {
      cause: error,
    });
  });
}
