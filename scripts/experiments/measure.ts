/**
 * Measuring with `serverledge bench`: one run, cut into windows that tell the spread.
 *
 * @module
 */

import { prepare } from "../../lib/lab/load/prepare.ts";
import type { KindResult, LoadResult, SliceResult } from "../../lib/lab/load/report/result.ts";
import { runLoad } from "../../lib/lab/load/run.ts";
import type { Scenario } from "../../lib/lab/load/scenario.ts";
import { medianOf } from "../../lib/lab/statistics.ts";

/** A median with the least and the largest value; undefined where nothing was measured. */
export interface Measure {
  /** Median of the windows. */
  readonly mid: number | undefined;
  /** Least. */
  readonly low: number | undefined;
  /** Largest. */
  readonly high: number | undefined;
}

/** How long something is measured. */
export interface Timing {
  /** Before anything counts, s. */
  readonly warmUpS: number;
  /** Length of a window, s. */
  readonly windowS: number;
  /** How many windows. */
  readonly windows: number;
}

/**
 * Sends load.
 *
 * @param node URL that functions are invoked on, unless a request names its own
 * @param scenario what is sent, without its length
 * @param timing how long
 * @param signal ends it
 * @returns what it found; each slice is a window
 * @throws the signal's reason if it was aborted
 */
export async function measureLoad(
  node: string,
  scenario: Scenario,
  { warmUpS, windowS, windows }: Timing,
  signal: AbortSignal,
): Promise<LoadResult> {
  const bounds = { warmup: warmUpS, duration: windowS * windows, timeout: 30, connections: 4096 };
  const prepared = prepare({ ...bounds, ...scenario }, { node, isPlain: false });
  const result = await runLoad(prepared, { signal, sliceMs: windowS * 1000 });
  signal.throwIfAborted();
  return result;
}

/**
 * A figure of each window.
 *
 * @param kind whose
 * @param timing of the run
 * @param figure of one window; undefined: it has none
 */
export function overWindows(
  { slices }: KindResult,
  { windows }: Timing,
  figure: (slice: SliceResult) => number | undefined,
): Measure {
  return measureOf(slices.slice(0, windows).map(figure));
}

/** Good answers per second in each window. */
export function rateOf(kind: KindResult, timing: Timing): Measure {
  // What came in no window is no answer, not none measured.
  const rates = Array.from(
    { length: timing.windows },
    (_, at) => (kind.slices[at]?.ok ?? 0) / timing.windowS,
  );
  return measureOf(rates);
}

/**
 * Sums samples up.
 *
 * @param samples undefined ones are left out
 */
export function measureOf(samples: readonly (number | undefined)[]): Measure {
  const known = samples.filter((value) => value !== undefined);
  if (known.length === 0) return { mid: undefined, low: undefined, high: undefined };
  return { mid: medianOf(known), low: Math.min(...known), high: Math.max(...known) };
}
