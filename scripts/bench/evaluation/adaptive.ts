/**
 * What `adaptive` achieves in every scenario: against the optimum, against every other policy, and
 * after each drift.
 *
 * @module
 */

import { policyNames } from "../../../lib/model/policy_names.ts";
import { bestUtility, isStationary, settledAt } from "../../../lib/lab/simulator/oracle.ts";
import { makeScenario } from "../../../lib/lab/simulator/scenario/scenario.ts";
import type { ScenarioFile } from "../../../lib/lab/simulator/scenario/schema.ts";
import { type Estimate, estimate } from "../../../lib/lab/statistics.ts";
import { WorkerSolver } from "../../../policies/probabilistic/solver.ts";
import type { Results } from "../results.ts";
import { isShort } from "../rounds.ts";
import { type JobResult, runJobs, scenarioNamed } from "./jobs.ts";
import { recoveryS } from "./recovery.ts";

/** The scenarios, and how long each is simulated if not as long as it says, s. */
const scenarios: Readonly<Record<string, number | undefined>> = {
  "fgcs-poisson": 420,
  "fgcs-mmpp": 420,
  "fgcs-erlang": 420,
  "fgcs-hyperexponential": 420,
  "fgcs-latency-100": 420,
  "fgcs-latency-200": 420,
  "fgcs-crowded": 240,
  "fgcs-promised": 240,
  "fgcs-budget-0.25": 240,
  "fgcs-budget-0.5": 240,
  "fgcs-budget-2": 240,
  "fgcs-budget-10": 240,
  "hot-node": undefined,
  "flash-crowd": undefined,
  "diurnal": undefined,
  "node-failure": undefined,
  "network-degradation": undefined,
  "slow-neighbour": undefined,
  "changed-function": undefined,
  "new-class": undefined,
  "hundred-nodes": 90,
};
/** Scenarios in which something changes from one moment to the next, and when, s. */
const drifts: Readonly<Record<string, readonly number[]>> = {
  "node-failure": [180],
  "network-degradation": [180, 420],
  "slow-neighbour": [180],
  "changed-function": [180],
  "new-class": [180],
};
/** Seeds, unless `BENCH_EVALUATION_SEEDS` tells how many. */
const seedCount = Number(Deno.env.get("BENCH_EVALUATION_SEEDS") ?? (isShort ? 2 : 10));

/** One scenario's runs. */
interface Trial {
  readonly name: string;
  readonly file: ScenarioFile;
  /** By policy, one a seed. */
  readonly runs: ReadonlyMap<string, readonly JobResult[]>;
  /** Utility that could be achieved, by seed, where that is known. */
  readonly optima?: readonly number[];
}

/** Runs everything and measures. */
export async function measureAdaptive(results: Results): Promise<void> {
  using solver = new WorkerSolver();
  const toOracle: [string, Estimate][] = [];
  const toOthers: [string, Estimate][] = [];
  const recoveries: number[] = [];
  for (const [name, duration] of Object.entries(scenarios)) {
    const all = await runScenario(name, duration);
    const optima = await optimaOf(all, solver);
    const trial = optima ? feasible(all, optima) : all;
    const own = trial.runs.get("adaptive")!;
    const optimum = trial.optima && againstOracle(own, trial.optima);
    if (optimum) toOracle.push([name, optimum]);
    const [other, ratio] = againstBestOther(trial) ?? [];
    if (ratio) toOthers.push([name, ratio]);
    const broken = own.filter(({ inBounds }) => !inBounds).length;
    console.log(
      `  ${name}: ` +
        (ratio
          ? `${inWords(ratio)} of ${other}, the best other that keeps the bounds`
          : "no other keeps the bounds") +
        (optimum ? `; ${inWords(optimum)} of the optimum` : "") +
        (own.length < seedCount
          ? `; nobody can keep them in ${seedCount - own.length} seeds`
          : "") +
        (broken > 0 ? `; breaks them itself in ${broken} of ${own.length} seeds` : ""),
    );
    for (const at of drifts[name] ?? []) {
      const seconds = await recoveryAfter(trial, at, solver);
      console.log(`  ${name}: recovered ${seconds} s after the drift at ${at} s`);
      recoveries.push(seconds);
    }
  }
  addWorst(results, "adaptive_vs_oracle", toOracle);
  addWorst(results, "adaptive_vs_best_other", toOthers);
  results.add("adaptive_recovery_s", "s", [Math.max(...recoveries)]);
}

async function runScenario(name: string, duration: number | undefined): Promise<Trial> {
  const file = await scenarioNamed(name, duration === undefined ? {} : { duration });
  const seeds = Array.from({ length: seedCount }, (_, at) => at + 1);
  const jobs = policyNames.flatMap((policy) => seeds.map((seed) => ({ file, policy, seed })));
  const done = await runJobs(jobs);
  return {
    name,
    file,
    runs: new Map(policyNames.map((policy, at) => [
      policy,
      done.slice(at * seedCount, (at + 1) * seedCount),
    ])),
  };
}

/** What could be achieved of what really arrived, by seed; undefined where load is not stationary. */
async function optimaOf(
  { file, runs }: Trial,
  solver: WorkerSolver,
): Promise<number[] | undefined> {
  if (!isStationary(makeScenario(file, 1))) return undefined;
  const optima: number[] = [];
  for (const [at, { flows }] of runs.get("adaptive")!.entries()) {
    optima.push(await bestUtility(makeScenario(file, at + 1), solver, flows));
  }
  return optima;
}

/**
 * Share of the optimum, in the seeds in which the bounds were kept: who breaks them may exceed it;
 * undefined if they were kept in none.
 */
function againstOracle(
  own: readonly JobResult[],
  optima: readonly number[],
): Estimate | undefined {
  const shares = own.flatMap(({ utility, inBounds }, at) =>
    inBounds ? [utility / optima[at]!] : []
  );
  return shares.length > 0 ? estimate(shares) : undefined;
}

/** Only the seeds in which the promises can be kept. */
function feasible(trial: Trial, optima: readonly number[]): Trial {
  const isFeasible = (_: unknown, at: number) => !Number.isNaN(optima[at]);
  const runs = [...trial.runs].map(([policy, each]) => [policy, each.filter(isFeasible)] as const);
  return { ...trial, runs: new Map(runs), optima: optima.filter(isFeasible) };
}

/**
 * Utility as a multiple of that of the best other policy that kept budget and promises; undefined where
 * no other did.
 */
function againstBestOther({ runs }: Trial): [string, Estimate] | undefined {
  const own = runs.get("adaptive")!;
  if (own.length === 0) return undefined;
  const others = [...runs].filter(([policy, each]) =>
    policy !== "adaptive" && each.every(({ inBounds }) => inBounds)
  );
  const ratios = others.map(([policy, each]): [string, Estimate] => [
    policy,
    ratioOf(own, each),
  ]);
  return ratios.toSorted(([, a], [, b]) => a.mean - b.mean)[0];
}

/** Ratio of mean utilities, with the confidence interval of their difference in each seed. */
function ratioOf(own: readonly JobResult[], other: readonly JobResult[]): Estimate {
  const mean = estimate(other.map(({ utility }) => utility)).mean;
  const gain = estimate(own.map(({ utility }, at) => utility - other[at]!.utility));
  return { mean: 1 + gain.mean / mean, ci: gain.ci === null ? null : gain.ci / mean };
}

/** Time until 90 % of the former utility rate, or of the new optimum if that is less. */
async function recoveryAfter(
  { file, runs }: Trial,
  at: number,
  solver: WorkerSolver,
): Promise<number> {
  const own = runs.get("adaptive")!;
  const series = Array.from(
    own[0]!.perSecond,
    (_, second) => own.reduce((sum, { perSecond }) => sum + perSecond[second]!, 0) / own.length,
  );
  const optima: number[] = [];
  for (const seed of own.keys()) {
    optima.push(await bestUtility(settledAt(makeScenario(file, seed + 1), at), solver));
  }
  return recoveryS(series, at, estimate(optima).mean);
}

/** The worst scenario, with the ends of its confidence interval as least and largest. */
function addWorst(
  results: Results,
  name: string,
  all: readonly (readonly [string, Estimate])[],
): void {
  const [scenario, { mean, ci }] = all.reduce((worst, each) =>
    each[1].mean < worst[1].mean ? each : worst
  );
  console.log(`  worst in ${scenario}:`);
  results.add(name, "ratio", [mean - (ci ?? 0), mean, mean + (ci ?? 0)]);
}

function inWords({ mean, ci }: Estimate): string {
  return mean.toFixed(3) + (ci === null ? "" : ` ± ${ci.toFixed(3)}`);
}
