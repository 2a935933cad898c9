/**
 * What arrived lately, by function and class: what policies plan with.
 *
 * @module
 */

import type { Arrivals } from "../policy/contract.ts";
import type { EstimateBook } from "./estimates.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationEnd } from "./observer.ts";

/** Weight of the newest interval in the moving averages (Russo Russo et al. 2024). */
const weight = 0.3;
/** Rate below which a function and class are forgotten, requests/s. */
const minRate = 1e-3;

/** One function and class. */
interface Tally {
  readonly sample: Invocation;
  count: number;
  inputSize: number;
  /** Meant for this node: ran here, or found no room. */
  local: number;
  lost: number;
  rate: number;
  meanInput: number;
}

/** Counts arrivals and how they ended. */
export class ArrivalBook {
  readonly #tallies = new Map<string, Tally>();
  readonly #estimates: EstimateBook;

  /**
   * An empty book.
   *
   * @param estimates what was measured of the functions
   */
  constructor(estimates: EstimateBook) {
    this.#estimates = estimates;
  }

  /** An invocation has ended. */
  ended(invocation: Invocation, end: InvocationEnd): void {
    const key = `${end.functionName}\n${end.qosClass}`;
    let tally = this.#tallies.get(key);
    if (!tally) {
      tally = {
        sample: invocation,
        count: 0,
        inputSize: 0,
        local: 0,
        lost: 0,
        rate: NaN,
        meanInput: 0,
      };
      this.#tallies.set(key, tally);
    }
    tally.count++;
    tally.inputSize += invocation.inputSize;
    const lost = end.outcome === "NODE_SATURATED" || end.outcome === "DEADLINE_EXCEEDED";
    if (lost || end.place === "local") tally.local++;
    if (lost) tally.lost++;
  }

  /**
   * Closes an interval.
   *
   * @param seconds how long it was
   * @returns what arrived, smoothed over the intervals
   */
  close(seconds: number): Arrivals[] {
    const arrivals: Arrivals[] = [];
    for (const [key, tally] of this.#tallies) {
      const rate = tally.count / seconds;
      tally.rate = Number.isNaN(tally.rate) ? rate : tally.rate + weight * (rate - tally.rate);
      if (tally.count > 0) tally.meanInput = tally.inputSize / tally.count;
      if (tally.rate < minRate) this.#tallies.delete(key);
      else arrivals.push(this.#arrivalsOf(tally));
      tally.count =
        tally.inputSize =
        tally.local =
        tally.lost =
          0;
    }
    return arrivals;
  }

  #arrivalsOf({ sample, rate, meanInput, local, lost }: Tally): Arrivals {
    const { Name: functionName, MemoryMB: memoryMib } = sample.record;
    const estimates = this.#estimates.of(functionName);
    return {
      functionName,
      qosClass: sample.qosClass,
      memoryMib,
      rate,
      inputSize: meanInput,
      local: estimates.local,
      edge: estimates.edge,
      remote: estimates.remote,
      loss: local === 0 ? 0 : lost / local,
    };
  }
}
