/**
 * Results of a comparison by policy and class over all seeds.
 *
 * @module
 */

import type { Run } from "../simulation.ts";
import type { Scenario } from "../scenario/model.ts";
import { type Estimate, estimate, meanOf, quantileOf } from "../../statistics.ts";
import type { ClassTally } from "./tally.ts";

/** Tolerance of a budget, since the last request is paid after its decision. */
const budgetTolerance = 0.02;

/** Initial balance of a budget, seconds of it. */
const aheadS = 60;
/** Tolerance of a completion share. */
export const completionTolerance = 0.02;

/** Result of one class under one policy. Shares are of the requests that arrived. */
export interface ClassResult {
  readonly name: string;
  /** Arrivals per second. */
  readonly rate: Estimate;
  /** Share with a result. */
  readonly served: Estimate;
  /** Share with a result within the limit. */
  readonly inTime: Estimate;
  /** Share rejected. */
  readonly dropped: Estimate;
  /** Share admitted, but late or failed. */
  readonly late: Estimate;
  /** Share of cold starts among those served. */
  readonly cold: Estimate;
  /** Share served at the node of arrival. */
  readonly local: Estimate;
  /** Share served by peers. */
  readonly edge: Estimate;
  /** Share served by the cloud. */
  readonly cloud: Estimate;
  /** Mean response time of those served, ms. */
  readonly meanMs: Estimate;
  /** Median, ms. */
  readonly p50Ms: Estimate;
  /** 95th percentile, ms. */
  readonly p95Ms: Estimate;
  /** 99th percentile, ms. */
  readonly p99Ms: Estimate;
  /** Utility of responses in time minus penalties, per second. */
  readonly utility: Estimate;
  /** Cost of the cloud, per hour. */
  readonly cost: Estimate;
}

/** Result of one policy. */
export interface PolicyResult {
  /** Name of the policy, or path of its file. */
  readonly policy: string;
  /** Utility of all classes, per second. */
  readonly utility: Estimate;
  /** Utility minus that of the first policy for the same seed, per second. */
  readonly gain: Estimate;
  /** Cost of the cloud, per hour. */
  readonly cost: Estimate;
  /** Number of seeds in which a node exceeded its budget. */
  readonly overBudget: number;
  /** Number of seeds in which a class missed its `completion` share. */
  readonly promisesBroken: number;
  /** Classes with requests. */
  readonly classes: readonly ClassResult[];
  /** Mean utility over the seeds by second of arrival. */
  readonly perSecond: readonly number[];
  /** Utility of each seed, per second. */
  readonly utilities: readonly number[];
}

/** A comparison of policies. */
export interface Comparison {
  /** Title of the scenario. */
  readonly about: string;
  /** Measured time, s. */
  readonly seconds: number;
  /** Warm-up, s. */
  readonly warmup: number;
  readonly seeds: readonly number[];
  /** Budget per node and hour; null if unlimited. */
  readonly budget: number | null;
  /** Results by policy, in the order requested. */
  readonly policies: readonly PolicyResult[];
}

/** A run with its scenario. */
export interface SeedRun {
  readonly scenario: Scenario;
  readonly run: Run;
}

/** Returns the utility of a run, per second. */
export function utilityOf({ scenario, run }: SeedRun): number {
  const sum = run.tally.classes.reduce((total, { utility }) => total + utility, 0);
  return sum / secondsOf(scenario);
}

/** Whether a node exceeded its budget, including the warm-up. */
export function isOverBudget({ scenario, run }: SeedRun): boolean {
  const seconds = scenario.duration + aheadS;
  const allowed = scenario.budget * seconds / 3600 * (1 + budgetTolerance);
  return [...run.tally.costs.values()].some((cost) => cost > allowed);
}

/** Whether a class missed its `completion` share. */
export function missesCompletion({ run }: SeedRun): boolean {
  return run.tally.classes.some(({ qosClass, arrived, ran }) =>
    ran < (qosClass.completion - completionTolerance) * arrived
  );
}

/**
 * Summarizes the runs of one policy.
 *
 * @param runs one per seed
 * @param first utility of the first policy by seed
 */
export function policyResult(
  policy: string,
  runs: readonly SeedRun[],
  first: readonly number[],
): PolicyResult {
  const utilities = runs.map(utilityOf);
  const over = (of: (tally: ClassTally, seconds: number) => number, at: number) =>
    estimate(runs.map(({ scenario, run }) => of(run.tally.classes[at]!, secondsOf(scenario))));
  const classes = runs[0]!.run.tally.classes.map(({ qosClass }, at) => ({ qosClass, at }))
    .filter(({ at }) => runs.some(({ run }) => run.tally.classes[at]!.arrived > 0))
    .map(({ qosClass, at }) => classResult(qosClass.name, (of) => over(of, at)));
  return {
    policy,
    utility: estimate(utilities),
    gain: estimate(utilities.map((utility, at) => utility - first[at]!)),
    cost: estimate(
      runs.map(({ scenario, run }) =>
        run.tally.classes.reduce((sum, { cost }) => sum + cost, 0) * 3600 / secondsOf(scenario)
      ),
    ),
    overBudget: runs.filter(isOverBudget).length,
    promisesBroken: runs.filter(missesCompletion).length,
    classes,
    perSecond: meanSeries(runs.map(({ run }) => run.tally.perSecond)),
    utilities,
  };
}

function classResult(
  name: string,
  over: (of: (tally: ClassTally, seconds: number) => number) => Estimate,
): ClassResult {
  const share = (of: (tally: ClassTally) => number) => over((tally) => of(tally) / tally.arrived);
  const quantile = (q: number) => over(({ responses }) => quantileOf(responses, q));
  return {
    name,
    rate: over(({ arrived }, seconds) => arrived / seconds),
    served: share(({ served }) => served),
    inTime: share(({ inTime }) => inTime),
    dropped: share(({ dropped }) => dropped),
    late: share(({ late }) => late),
    cold: over(({ cold, served }) => cold / served),
    local: share(({ places }) => places.local),
    edge: share(({ places }) => places.edge),
    cloud: share(({ places }) => places.cloud),
    meanMs: over(({ responses }) => meanOf(responses)),
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    utility: over(({ utility }, seconds) => utility / seconds),
    cost: over(({ cost }, seconds) => cost * 3600 / seconds),
  };
}

function secondsOf({ duration, warmup }: Scenario): number {
  return duration - warmup;
}

function meanSeries(series: readonly Float64Array[]): number[] {
  const [first] = series;
  return Array.from(
    first!,
    (_, at) => series.reduce((sum, each) => sum + each[at]!, 0) / series.length,
  );
}
