/**
 * Arrival statistics by function and class, for the plans of policies.
 *
 * @module
 */

import type { Arrivals } from "../policy/contract.ts";
import type { EstimateTable } from "./estimates.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationOutcome } from "./observer.ts";

/** Weight of the newest interval in the moving averages (Russo Russo et al. 2024). */
const weight = 0.3;
/** Rate below which the statistics of a function and class are dropped, requests/s. */
const minRate = 1e-3;

/** Counters of one function and class. */
interface Counters {
  readonly sample: Invocation;
  count: number;
  inputSize: number;
  /** Requests that ran on this node or found no capacity. */
  local: number;
  lost: number;
  rate: number;
  meanInput: number;
}

/** Counts arrivals and their outcomes. */
export class ArrivalStatistics {
  readonly #tallies = new Map<string, Counters>();
  readonly #estimates: EstimateTable;

  /**
   * Creates statistics without arrivals.
   *
   * @param estimates measurements of the functions
   */
  constructor(estimates: EstimateTable) {
    this.#estimates = estimates;
  }

  /** Records a completed invocation. */
  record(invocation: Invocation, end: InvocationOutcome): void {
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
   * @param seconds length of the interval
   * @returns arrivals, smoothed over the intervals
   */
  closeInterval(seconds: number): Arrivals[] {
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

  #arrivalsOf({ sample, rate, meanInput, local, lost }: Counters): Arrivals {
    const { name: functionName, memoryMib } = sample.record;
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
