/**
 * Keep-alive by demand: learns for each function how long it rests between requests, and keeps or
 * starts an instance for when the next one is expected. The hybrid histogram policy of Shahrad et al.,
 * "Serverless in the Wild: Characterizing and Optimizing the Serverless Workload at a Large Cloud
 * Provider", USENIX ATC 2020, sections 4.2 and 5; parameters are the paper's unless said otherwise.
 *
 * Different from the paper: functions that rest for longer than the histogram's range, for which the
 * paper predicts by ARIMA, get the fixed keep-alive, and so do functions of which too little is known
 * (there: as long as the range).
 *
 * @module
 */

import { IdleHistogram } from "./idle_histogram.ts";
import type { KeepAlive, Windows } from "./keep_alive.ts";

/** Percentile of idle times before which nothing is expected (the "head" cut-off, section 4.2). */
const headShare = 0.05;
/** Percentile of idle times after which nothing is expected any more (the "tail" cut-off). */
const tailShare = 0.99;
/** By how much the windows are widened, as a share: earlier and longer (section 4.2). */
const margin = 0.1;
/** Variation of the counts below which a histogram shows no pattern (section 5.2, figure 18). */
const minVariation = 2;
/** Share of idle times beyond the range from which the histogram does not count (the paper has no number). */
const maxOutOfBoundsShare = 0.5;
/** Idle times that make a pattern (the paper has no number): fewer always vary much. */
const minIdleTimes = 5;
/** Most functions that are remembered, half a kilobyte each; of more, those longest not seen are forgotten. */
const maxFunctions = 10_000;

/** Learns from idle times. */
export class HistogramKeepAlive implements KeepAlive {
  readonly #fallback: Windows;
  readonly #histograms = new Map<string, IdleHistogram>();

  /**
   * A policy that knows nothing yet.
   *
   * @param fallbackMs how long instances of functions without a pattern are kept
   */
  constructor(fallbackMs: number) {
    this.#fallback = { preWarmMs: 0, keepAliveMs: fallbackMs };
  }

  /** See {@link KeepAlive}. */
  windows(functionName: string): Windows {
    const histogram = this.#histograms.get(functionName);
    return histogram && hasPattern(histogram) ? windowsOf(histogram) : this.#fallback;
  }

  /** See {@link KeepAlive}. */
  observe(functionName: string, idleMs: number): void {
    const histogram = this.#histograms.get(functionName) ?? new IdleHistogram();
    histogram.add(idleMs);
    this.#histograms.delete(functionName);
    this.#histograms.set(functionName, histogram);
    const oldest = this.#histograms.keys().next().value;
    if (this.#histograms.size > maxFunctions) this.#histograms.delete(oldest!);
  }

  /** See {@link KeepAlive}. */
  forget(functionName: string): void {
    this.#histograms.delete(functionName);
  }
}

function hasPattern(histogram: IdleHistogram): boolean {
  return histogram.total >= minIdleTimes &&
    histogram.outOfBoundsShare < maxOutOfBoundsShare &&
    histogram.variation >= minVariation;
}

function windowsOf(histogram: IdleHistogram): Windows {
  const preWarmMs = Math.round(histogram.percentile(headShare).lowerMs * (1 - margin));
  const endMs = Math.round(histogram.percentile(tailShare).upperMs * (1 + margin));
  return { preWarmMs, keepAliveMs: endMs - preWarmMs };
}
