/**
 * Functions of a simulation: their records and their actual durations.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import type { FunctionModel } from "./scenario/model.ts";

/** A function's record, model, and current factor of execution times. */
interface Entry {
  readonly record: FunctionRecord;
  readonly model: FunctionModel;
  factor: number;
}

/** All functions by name. */
export class SimFunctions {
  readonly #entries: ReadonlyMap<string, Entry>;

  /** Creates the functions of a scenario, at their usual speed. */
  constructor(models: readonly FunctionModel[]) {
    this.#entries = new Map(
      models.map((model) => [model.name, { record: recordOf(model), model, factor: 1 }]),
    );
  }

  /** Returns the record of a function, which nodes know. */
  find(name: string): FunctionRecord | undefined {
    return this.#entries.get(name)?.record;
  }

  /** Returns the model of a function. */
  model(name: string): FunctionModel {
    return this.#entries.get(name)!.model;
  }

  /** Current mean execution time on a node of speed 1, ms. */
  meanMs(name: string): number {
    const { model, factor } = this.#entries.get(name)!;
    return model.duration.meanMs * factor;
  }

  /** Sets the factor of a function's execution times. */
  change(name: string, factor: number): void {
    this.#entries.get(name)!.factor = factor;
  }
}

function recordOf({ name, memoryMib, cpu }: FunctionModel): FunctionRecord {
  return {
    name,
    runtime: "python",
    memoryMib,
    cpu,
    maxConcurrency: 1,
    handler: "",
    customImage: "",
    architectures: [],
    signature: null,
    timeoutMs: 0,
    env: {},
    network: "none",
    locality: "any",
    invokes: [],
    secrets: [],
    minInstances: 0,
    codeHash: "",
    version: name,
  };
}
