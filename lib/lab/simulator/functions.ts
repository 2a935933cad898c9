/**
 * The functions of a simulation: as every node knows them, and how long they really take.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import type { FunctionModel } from "./scenario/model.ts";

/** One function: its record, its truth, and by what its executions take longer now. */
interface Entry {
  readonly record: FunctionRecord;
  readonly model: FunctionModel;
  factor: number;
}

/** All functions, in memory as in a node's catalog. */
export class SimFunctions {
  readonly #entries: ReadonlyMap<string, Entry>;

  /**
   * Functions as the scenario has them.
   *
   * @param models what they really are
   */
  constructor(models: readonly FunctionModel[]) {
    this.#entries = new Map(
      models.map((model) => [model.name, { record: recordOf(model), model, factor: 1 }]),
    );
  }

  /** The record that nodes know. */
  find(name: string): FunctionRecord | undefined {
    return this.#entries.get(name)?.record;
  }

  /** What it really is. */
  model(name: string): FunctionModel {
    return this.#entries.get(name)!.model;
  }

  /** Mean execution on a node of speed 1 as things are now, ms. */
  meanMs(name: string): number {
    const { model, factor } = this.#entries.get(name)!;
    return model.duration.meanMs * factor;
  }

  /** From now on its executions take that many times what the scenario says. */
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
    minInstances: 0,
    codeHash: "",
    version: name,
  };
}
