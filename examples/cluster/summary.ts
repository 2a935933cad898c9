/**
 * Sums a run up: by class for the table, and over time for the plot.
 *
 * @module
 */

import { quantileOf } from "../../lib/lab/statistics.ts";
import { classes } from "./continuum.ts";
import { type Outcome, outcomes, type Shot } from "./load.ts";

/** Counts by outcome. */
export type Counts = Record<Outcome, number>;

/** One class in one run. */
export interface ClassSummary {
  readonly className: string;
  readonly sent: number;
  readonly counts: Counts;
  /** Median time of the answers with a result, ms; undefined if there was none. */
  readonly p50Ms: number | undefined;
  /** 95th percentile of the same. */
  readonly p95Ms: number | undefined;
  /** What became of the requests due in each period, and how long their answers took. */
  readonly timeline: readonly Period[];
}

/** One period of a run. */
export interface Period {
  /** Its begin, s after the start. */
  readonly at: number;
  /** Requests due in it, per second, by outcome. */
  readonly rates: Counts;
  /** 95th percentile of its answers with a result, ms. */
  readonly p95Ms: number | undefined;
}

/** One run with one policy. */
export interface RunSummary {
  readonly policy: string;
  readonly seconds: number;
  /** Length of the periods, s. */
  readonly periodSeconds: number;
  readonly classes: readonly ClassSummary[];
}

/** Points of a curve in the plot. */
const periods = 40;

/**
 * Sums a run up.
 *
 * @param policy its policy
 * @param seconds how long load was sent
 * @param shots all its requests
 */
export function summarizeRun(policy: string, seconds: number, shots: readonly Shot[]): RunSummary {
  const periodSeconds = seconds / periods;
  return {
    policy,
    seconds,
    periodSeconds,
    classes: classes.map(({ name }) => {
      const own = shots.filter(({ className }) => className === name);
      const timeline = Array.from({ length: periods }, (_, period): Period => {
        const due = own.filter(({ at }) => Math.floor(at / periodSeconds) === period);
        const counts = count(due);
        const rates = Object.fromEntries(
          outcomes.map((outcome) => [outcome, round(counts[outcome] / periodSeconds)]),
        ) as Counts;
        return { at: round(period * periodSeconds), rates, p95Ms: quantile(due, 0.95) };
      });
      return {
        className: name,
        sent: own.length,
        counts: count(own),
        p50Ms: quantile(own, 0.5),
        p95Ms: quantile(own, 0.95),
        timeline,
      };
    }),
  };
}

/**
 * Share of a class that was answered with a result within its limit, 0 to 1.
 *
 * @param summary the class in a run
 */
export function inLimitShare({ sent, counts }: ClassSummary): number {
  return (counts.local + counts.neighbour + counts.cloud) / Math.max(1, sent);
}

/** How many requests had each outcome. */
export function count(shots: readonly Shot[]): Counts {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Counts;
  for (const { outcome } of shots) counts[outcome]++;
  return counts;
}

function quantile(shots: readonly Shot[], at: number): number | undefined {
  const times = shots.filter(({ answered }) => answered).map(({ ms }) => ms);
  return times.length === 0 ? undefined : round(quantileOf(times, at));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
