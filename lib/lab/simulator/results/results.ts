/**
 * What a comparison of policies finds, by policy and class, over all seeds.
 *
 * @module
 */

import type { Run } from "../simulation.ts";
import type { Scenario } from "../scenario/model.ts";
import { type Estimate, estimate, meanOf, quantileOf } from "../../statistics.ts";
import type { ClassTally } from "./tally.ts";

/** What may exceed a budget before it counts as broken: a last request is paid after the decision. */
const budgetTolerance = 0.02;

/** By how much a budget may be drawn on ahead, s of it. */
const aheadS = 60;
/** By how much a promised share may be missed before it counts as broken. */
export const promiseTolerance = 0.02;

/** One class under one policy. Shares are of the requests that arrived. */
export interface ClassResult {
  /** Its name. */
  readonly name: string;
  /** Requests that arrived, per second. */
  readonly rate: Estimate;
  /** Share answered with a result. */
  readonly served: Estimate;
  /** Share answered with a result within the limit. */
  readonly inTime: Estimate;
  /** Share refused. */
  readonly dropped: Estimate;
  /** Share admitted, but late or broken off. */
  readonly late: Estimate;
  /** Share of those served that an instance was started for. */
  readonly cold: Estimate;
  /** Share served at the node of arrival. */
  readonly local: Estimate;
  /** Share served by neighbours. */
  readonly edge: Estimate;
  /** Share served by the cloud. */
  readonly cloud: Estimate;
  /** Response time of those served: mean, ms. */
  readonly meanMs: Estimate;
  /** Median, ms. */
  readonly p50Ms: Estimate;
  /** 95th percentile, ms. */
  readonly p95Ms: Estimate;
  /** 99th percentile, ms. */
  readonly p99Ms: Estimate;
  /** Utility of answers in time less penalties, per second. */
  readonly utility: Estimate;
  /** Cost of the cloud, per hour. */
  readonly cost: Estimate;
}

/** One policy. */
export interface PolicyResult {
  /** Its name, or the path of its file. */
  readonly policy: string;
  /** Utility of all classes, per second. */
  readonly utility: Estimate;
  /** Utility less that of the first policy in the same seed, per second. */
  readonly gain: Estimate;
  /** Cost of the cloud, per hour. */
  readonly cost: Estimate;
  /** Seeds in which a node spent more than its budget. */
  readonly overBudget: number;
  /** Seeds in which less of a class was run than its `completion` promises. */
  readonly promisesBroken: number;
  /** Classes, those of the scenario that had requests. */
  readonly classes: readonly ClassResult[];
  /** Utility by the second of arrival, mean over the seeds. */
  readonly perSecond: readonly number[];
  /** Utility of each seed, per second. */
  readonly utilities: readonly number[];
}

/** A whole comparison. */
export interface Comparison {
  /** What the scenario shows. */
  readonly about: string;
  /** Simulated time that counts, s. */
  readonly seconds: number;
  /** Time before, s. */
  readonly warmup: number;
  /** Seeds. */
  readonly seeds: readonly number[];
  /** What the cloud may cost each node in an hour; null: any amount. */
  readonly budget: number | null;
  /** In the order in which they were asked for. */
  readonly policies: readonly PolicyResult[];
}

/** A run with what it was a run of. */
export interface SeedRun {
  /** The scenario, for one seed. */
  readonly scenario: Scenario;
  /** What came of it. */
  readonly run: Run;
}

/** Utility of a run, per second. */
export function utilityOf({ scenario, run }: SeedRun): number {
  const sum = run.tally.classes.reduce((total, { utility }) => total + utility, 0);
  return sum / secondsOf(scenario);
}

/** True if some node spent more in the cloud than it may in such a time, its warm-up included. */
export function isOverBudget({ scenario, run }: SeedRun): boolean {
  const seconds = scenario.duration + aheadS;
  const allowed = scenario.budget * seconds / 3600 * (1 + budgetTolerance);
  return [...run.tally.costs.values()].some((cost) => cost > allowed);
}

/** True if less of some class was run than its `completion` promises: waiting in vain is no service. */
export function breaksPromise({ run }: SeedRun): boolean {
  return run.tally.classes.some(({ qosClass, arrived, ran }) =>
    ran < (qosClass.completion - promiseTolerance) * arrived
  );
}

/**
 * Sums the runs of one policy up.
 *
 * @param policy its name
 * @param runs one a seed
 * @param first utility of the first policy in each seed
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
    promisesBroken: runs.filter(breaksPromise).length,
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
