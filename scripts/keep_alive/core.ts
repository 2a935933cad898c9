/**
 * The replay of a trace through a keep-alive policy: the node's own policy code, in the time of the
 * trace. As in the paper's simulation (section 5.1) every function has one instance at a time, there is
 * memory for all, and starting takes no time; a call that comes while another runs shares its instance.
 *
 * @module
 */

import {
  isKept,
  type KeepAlive,
  type KeepAliveWindows,
} from "../../lib/pool/keep_alive/keep_alive.ts";
import type { FunctionTrace } from "./trace.ts";
import { quantileOf } from "../../lib/lab/statistics.ts";

/** What became of the requests of one function. */
export interface Outcome {
  /** Requests. */
  readonly requests: number;
  /** Those that found no instance. */
  readonly cold: number;
  /** How long an instance was kept that nobody used, ms. */
  readonly idleMs: number;
  /** Instances that were started ahead. */
  readonly ahead: number;
  /** Those of them that met a request. */
  readonly hits: number;
}

/**
 * Replays the requests of one function.
 *
 * @param fn the function
 * @param policy decides, and learns
 * @param endMs when the trace ends
 */
export function replay(fn: FunctionTrace, policy: KeepAlive, endMs: number): Outcome {
  const { name, durationMs, arrivalsMs } = fn;
  const outcome = { requests: arrivalsMs.length, cold: 0, idleMs: 0, ahead: 0, hits: 0 };
  let freeAt = -Infinity;
  for (const at of arrivalsMs) {
    if (freeAt === -Infinity) outcome.cold++;
    else if (at >= freeAt) {
      const idleMs = at - freeAt;
      const windows = policy.windows(name);
      const warm = isKept(windows, idleMs, true);
      if (!warm) outcome.cold++;
      rest(outcome, windows, idleMs, warm);
      policy.observe(name, idleMs);
    }
    freeAt = Math.max(freeAt, at + durationMs);
  }
  if (freeAt < endMs) rest(outcome, policy.windows(name), endMs - freeAt, false);
  return outcome;
}

/** Adds what an instance cost during an idle time. */
function rest(
  outcome: { idleMs: number; ahead: number; hits: number },
  { preWarmMs, keepAliveMs }: KeepAliveWindows,
  idleMs: number,
  warm: boolean,
): void {
  outcome.idleMs += Math.min(keepAliveMs, Math.max(0, idleMs - preWarmMs));
  if (preWarmMs === 0 || idleMs < preWarmMs) return;
  outcome.ahead++;
  if (warm) outcome.hits++;
}

/** What a policy did to a whole trace. */
export interface Summary {
  /** Requests. */
  readonly requests: number;
  /** Share of the requests that found no instance. */
  readonly coldShare: number;
  /** Share of cold requests of the function at the 75th percentile: three of four fare better (figure 14). */
  readonly coldShareP75: number;
  /** The same at the median function. */
  readonly coldShareP50: number;
  /** Memory of instances that nobody used, GiB h. */
  readonly idleGibH: number;
  /** Instances started ahead. */
  readonly ahead: number;
  /** Share of them that met a request; NaN without any. */
  readonly hitShare: number;
}

/** Adds the outcomes of functions up. */
export class SummaryBuilder {
  readonly #shares: number[] = [];
  #requests = 0;
  #cold = 0;
  #idleMibMs = 0;
  #ahead = 0;
  #hits = 0;

  /** Counts one function; one without requests does not count. */
  add({ memoryMib }: FunctionTrace, { requests, cold, idleMs, ahead, hits }: Outcome): void {
    if (requests === 0) return;
    this.#shares.push(cold / requests);
    this.#requests += requests;
    this.#cold += cold;
    this.#idleMibMs += idleMs * memoryMib;
    this.#ahead += ahead;
    this.#hits += hits;
  }

  /** The sum. */
  get summary(): Summary {
    return {
      requests: this.#requests,
      coldShare: this.#cold / this.#requests,
      coldShareP75: quantileOf(this.#shares, 0.75),
      coldShareP50: quantileOf(this.#shares, 0.5),
      idleGibH: this.#idleMibMs / 1024 / 3_600_000,
      ahead: this.#ahead,
      hitShare: this.#hits / this.#ahead,
    };
  }
}
