/**
 * What was measured of each function, here and elsewhere: what policies estimate with.
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
  /** See {@link Estimates}. */
  executionMs = NaN;
  /** See {@link Estimates}. */
  startMs = NaN;
  /** See {@link Estimates}. */
  coldShare = NaN;

  /** Takes a measurement in. */
  observe({ executionMs, startMs }: Measurement): void {
    this.executionMs = blend(this.executionMs, executionMs);
    this.coldShare = blend(this.coldShare, startMs === undefined ? 0 : 1);
    if (startMs !== undefined) this.startMs = blend(this.startMs, startMs);
  }
}

/** What was measured of one function. */
export interface FunctionEstimates {
  /** On this node. */
  readonly local: PlaceEstimates;
  /** On nodes of this area. */
  readonly edge: PlaceEstimates;
  /** In the cloud. */
  readonly remote: PlaceEstimates;
}

/** What was measured of every function. */
export class EstimateBook {
  readonly #byName = new Map<string, FunctionEstimates>();

  /** What was measured of a function; all unknown at first. */
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

  /** The function is gone. */
  forget(functionName: string): void {
    this.#byName.delete(functionName);
  }
}

function blend(average: number, sample: number): number {
  return Number.isNaN(average) ? sample : average + weight * (sample - average);
}
