/**
 * Runs experiments and writes what they found.
 *
 * Usage: scripts/experiments/run.sh [--quick] [--out FOLDER] [NAME...]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { version } from "../../lib/base/version.ts";
import { runToEnd } from "../../tests/support/process.ts";
import { describeMachine } from "../machine.ts";
import { coldExperiment } from "./cold.ts";
import type { Experiment } from "./experiment.ts";
import { horizontalExperiment } from "./horizontal.ts";
import { nodeExperiment } from "./node.ts";
import { offloadExperiment } from "./offload.ts";
import { writeReport } from "./report.ts";
import { validationExperiment } from "./validation.ts";

/** All experiments, in the order in which they run. */
const experiments: Readonly<Record<string, Experiment>> = {
  node: nodeExperiment,
  cold: coldExperiment,
  offload: offloadExperiment,
  validation: validationExperiment,
  horizontal: horizontalExperiment,
};

/** Runs experiments one after the other. */
async function runAll(
  names: readonly string[],
  quick: boolean,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const machine = await describeMachine();
  const versions = await describeVersions();
  const date = new Date().toISOString().slice(0, 10);
  await Deno.mkdir(folder, { recursive: true });
  for (const name of names) {
    const began = performance.now();
    const seconds = () => ((performance.now() - began) / 1000).toFixed(0).padStart(4);
    console.log(`== experiment ${name}`);
    const say = (line: string) => console.log(`${seconds()} s  ${line}`);
    const note = quick ? "quick run: figures of little worth; " : "";
    const report = await experiments[name]!({ quick, folder, signal, say });
    await writeReport(folder, report, `${note}${machine}; ${date}`);
    console.log(`${seconds()} s  done`);
  }
  await writeOverview(folder, { machine, versions, date, quick });
  console.log(`\nResults: ${folder}/README.md`);
}

/** One page of all experiments of the folder, also those of earlier runs. */
async function writeOverview(
  folder: string,
  run: {
    readonly machine: string;
    readonly versions: string;
    readonly date: string;
    quick: boolean;
  },
): Promise<void> {
  const parts = await Promise.all(
    Object.keys(experiments).map((name) =>
      Deno.readTextFile(`${folder}/${name}.md`).catch((error) => {
        if (error instanceof Deno.errors.NotFound) return "";
        throw error;
      })
    ),
  );
  const about = [
    run.quick
      ? "A quick run, which shows that the experiments work: its figures are of little worth."
      : "",
    `${run.machine}. ${run.versions}. ${run.date}.`,
    "Made by `scripts/experiments/run.sh`.",
  ].filter((line) => line !== "");
  const text = ["# Experiments", about.join(" "), ...parts.filter((part) => part !== "")];
  await Deno.writeTextFile(
    `${folder}/README.md`,
    text.map((part) => part.trim()).join("\n\n") + "\n",
  );
}

async function describeVersions(): Promise<string> {
  const commit = await runToEnd(["git", "rev-parse", "--short", "HEAD"]);
  const docker = await runToEnd(["docker", "version", "--format", "{{.Server.Version}}"]);
  const etcd = await runToEnd(["etcd", "--version"]);
  return [
    `Serverledge ${version} (${commit.code === 0 ? commit.stdout.trim() : "no commit"})`,
    `Docker ${docker.stdout.trim()}`,
    etcd.stdout.split("\n")[0]!.replace(" Version:", "").trim(),
  ].join(", ");
}

const usage = `Usage: scripts/experiments/run.sh [--quick] [--out FOLDER] [NAME...]

  NAME          ${Object.keys(experiments).join(", ")}; without one all of them
  --quick       a few minutes: shows that they work, the figures are worth little
  --out FOLDER  where results go (dist/experiments)
  -h, --help    print this
`;

/** What the command line asks for; ends the process where it is wrong, or only asks for help. */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        out: { type: "string", default: "dist/experiments" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(usage.trimEnd());
      Deno.exit(0);
    }
    const unknown = positionals.find((name) => !Object.hasOwn(experiments, name));
    if (unknown !== undefined) {
      const known = Object.keys(experiments).join(", ");
      throw new Error(`there is no experiment ${unknown}: choose from ${known}`);
    }
    const names = positionals.length > 0 ? positionals : Object.keys(experiments);
    return { ...values, names };
  } catch (error) {
    // Its first sentence; more would tell how to name an experiment --bogus.
    const [line] = (error as Error).message.split(/\.\s/);
    console.error(`experiments: ${line}; --help lists the experiments`);
    Deno.exit(1);
  }
}

if (import.meta.main) {
  const { names, quick, out } = readArguments();
  const stop = new AbortController();
  // The first signal ends the run in order; what was started must be stopped.
  const interrupt = () => stop.abort(new Error("interrupted"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    await runAll(names, quick, out, stop.signal);
  } catch (error) {
    console.error(`experiments: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = stop.signal.aborted ? 130 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}
