/**
 * Measured execution and start times of each function, on this node and elsewhere.
 *
 * @module
 */

import type { Estimates } from "../policy/contract.ts";

/** Weight of the newest measurement in the moving averages. */
const weight = 0.2;

/** One measurement. */
export interface Measurement {
  /** Execution in the instance, ms. */
  readonly executionMs: number;
  /** Start of the instance that the request waited for, ms; undefined if it was warm. */
  readonly startMs: number | undefined;
}

/** Moving averages of one function in one place. */
export class PlaceEstimates implements Estimates {
  executionMs = NaN;
  startMs = NaN;
  coldShare = NaN;

  /** Updates the averages with a measurement. */
  observe({ executionMs, startMs }: Measurement): void {
    this.executionMs = blend(this.executionMs, executionMs);
    this.coldShare = blend(this.coldShare, startMs === undefined ? 0 : 1);
    if (startMs !== undefined) this.startMs = blend(this.startMs, startMs);
  }
}

/** Estimates of one function. */
export interface FunctionEstimates {
  readonly local: PlaceEstimates;
  /** On other nodes of this area. */
  readonly edge: PlaceEstimates;
  readonly remote: PlaceEstimates;
}

/** Estimates of all functions. */
export class EstimateTable {
  readonly #byName = new Map<string, FunctionEstimates>();

  /** Returns the estimates of a function, which are NaN before the first measurement. */
  of(functionName: string): FunctionEstimates {
    let estimates = this.#byName.get(functionName);
    if (!estimates) {
      estimates = {
        local: new PlaceEstimates(),
        edge: new PlaceEstimates(),
        remote: new PlaceEstimates(),
      };
      this.#byName.set(functionName, estimates);
    }
    return estimates;
  }

  /** Drops a deleted function. */
  forget(functionName: string): void {
    this.#byName.delete(functionName);
  }
}

function blend(average: number, sample: number): number {
  return Number.isNaN(average) ? sample : average + weight * (sample - average);
}
