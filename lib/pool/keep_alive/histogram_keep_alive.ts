/**
 * Keep-alive by demand: learns the idle times of each function, and keeps or pre-warms an instance for
 * when the next request is expected. The hybrid histogram policy of Shahrad et al.,
 * "Serverless in the Wild: Characterizing and Optimizing the Serverless Workload at a Large Cloud
 * Provider", USENIX ATC 2020, sections 4.2 and 5; parameters are the paper's unless said otherwise.
 *
 * Unlike in the paper, the fixed keep-alive applies to functions with idle times beyond the histogram's
 * range (the paper predicts them by ARIMA) and to functions with too few samples (the paper keeps them
 * as long as the range).
 *
 * @module
 */

import { IdleTimeHistogram } from "./idle_time_histogram.ts";
import type { KeepAlive, KeepAliveWindows } from "./keep_alive.ts";

/** Percentile of idle times before which no request is expected (the "head" cut-off, section 4.2). */
const headShare = 0.05;
/** Percentile of idle times after which no request is expected (the "tail" cut-off). */
const tailShare = 0.99;
/** Share by which the windows are widened: earlier and longer (section 4.2). */
const margin = 0.1;
/** Variation of the counts below which a histogram shows no pattern (section 5.2, figure 18). */
const minVariation = 2;
/** Share of idle times beyond the range above which the histogram is ignored (the paper has no number). */
const maxOutOfBoundsShare = 0.5;
/** Minimum number of idle times for a pattern (the paper has no number): fewer always vary widely. */
const minIdleTimes = 5;
/** Maximum number of functions, half a kilobyte each; the least recently used are removed beyond it. */
const maxFunctions = 10_000;

/** Keep-alive policy that learns from idle times. */
export class HistogramKeepAlive implements KeepAlive {
  readonly #fallback: KeepAliveWindows;
  readonly #histograms = new Map<string, IdleTimeHistogram>();

  /**
   * Creates a policy without observations.
   *
   * @param fallbackMs keep-alive of functions without a pattern, ms
   */
  constructor(fallbackMs: number) {
    this.#fallback = { preWarmMs: 0, keepAliveMs: fallbackMs };
  }

  /** Returns the windows of a function by its histogram, or the fixed keep-alive. */
  windows(functionName: string): KeepAliveWindows {
    const histogram = this.#histograms.get(functionName);
    return histogram && hasPattern(histogram) ? windowsOf(histogram) : this.#fallback;
  }

  /** Adds an idle time to the function's histogram. */
  observe(functionName: string, idleMs: number): void {
    const histogram = this.#histograms.get(functionName) ?? new IdleTimeHistogram();
    histogram.add(idleMs);
    this.#histograms.delete(functionName);
    this.#histograms.set(functionName, histogram);
    const oldest = this.#histograms.keys().next().value;
    if (this.#histograms.size > maxFunctions) this.#histograms.delete(oldest!);
  }

  /** Removes the function's histogram. */
  forget(functionName: string): void {
    this.#histograms.delete(functionName);
  }
}

function hasPattern(histogram: IdleTimeHistogram): boolean {
  return histogram.total >= minIdleTimes &&
    histogram.outOfBoundsShare < maxOutOfBoundsShare &&
    histogram.variation >= minVariation;
}

function windowsOf(histogram: IdleTimeHistogram): KeepAliveWindows {
  const preWarmMs = Math.round(histogram.percentile(headShare).lowerMs * (1 - margin));
  const endMs = Math.round(histogram.percentile(tailShare).upperMs * (1 + margin));
  return { preWarmMs, keepAliveMs: endMs - preWarmMs };
}
