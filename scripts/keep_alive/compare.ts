/**
 * A comparison of keep-alive policies on one trace.
 *
 * @module
 */

import { HistogramKeepAlive } from "../../lib/pool/keep_alive/histogram_keep_alive.ts";
import { fixedKeepAlive, type KeepAlive } from "../../lib/pool/keep_alive/keep_alive.ts";
import { replay, type Summary, SummaryBuilder } from "./core.ts";
import type { FunctionTrace } from "./trace.ts";

/** What one setting of a policy did. */
export interface Row extends Summary {
  /** `fixed` or `histogram`. */
  readonly policy: "fixed" | "histogram";
  /** `container.expiration`, min. */
  readonly expirationMin: number;
}

/** A comparison. */
export interface Comparison {
  /** Functions with at least one request. */
  readonly functions: number;
  /** All that was tried. */
  readonly rows: readonly Row[];
}

/** What is tried: `container.expiration` by `container.keepalive`, min. */
export const expirations = {
  fixed: [1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60],
  // The last is what the paper takes where it sees no pattern: the histogram's range.
  histogram: [1, 2, 5, 10, 20, 60, 240],
} as const;

/**
 * Replays a trace through all settings. Functions do not depend on each other, so one is looked at
 * after the other.
 *
 * @param functions the trace
 * @param endMs when it ends
 */
export function compare(functions: Iterable<FunctionTrace>, endMs: number): Comparison {
  const tries = [
    ...expirations.fixed.map((minutes) => tryOf("fixed", minutes)),
    ...expirations.histogram.map((minutes) => tryOf("histogram", minutes)),
  ];
  let count = 0;
  for (const fn of functions) {
    if (fn.arrivalsMs.length > 0) count++;
    for (const { policy, builder } of tries) {
      builder.add(fn, replay(fn, policy, endMs));
      policy.forget(fn.name);
    }
  }
  return {
    functions: count,
    rows: tries.map(({ name, expirationMin, builder }) => ({
      policy: name,
      expirationMin,
      ...builder.summary,
    })),
  };
}

function tryOf(name: Row["policy"], expirationMin: number) {
  const ms = expirationMin * 60_000;
  const policy: KeepAlive = name === "fixed" ? fixedKeepAlive(ms) : new HistogramKeepAlive(ms);
  return { name, expirationMin, policy, builder: new SummaryBuilder() };
}
