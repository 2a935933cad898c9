/**
 * The observers of one registry, told everything in the same order.
 *
 * @module
 */

import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { DamagedFunction, FunctionObserver } from "./registry.ts";

/** Passes changes on to all observers; one that throws does not keep them from the others. */
export class Observers implements FunctionObserver {
  readonly #observers = new Set<FunctionObserver>();

  /**
   * Adds an observer.
   *
   * @returns removes it again
   */
  add(observer: FunctionObserver): Disposable {
    this.#observers.add(observer);
    return { [Symbol.dispose]: () => void this.#observers.delete(observer) };
  }

  /** Tells all of them the functions that are registered now. */
  reset(records: FunctionRecord[], damaged: readonly DamagedFunction[] = []): void {
    this.#each((observer) => observer.reset(records, damaged));
  }

  /** Tells all of them a created or updated function. */
  put(record: FunctionRecord): void {
    this.#each((observer) => observer.put(record));
  }

  /** Tells all of them a function whose record cannot be read any more. */
  damage(damaged: DamagedFunction): void {
    this.#each((observer) => observer.damage(damaged));
  }

  /** Tells all of them a deleted function. */
  remove(name: string): void {
    this.#each((observer) => observer.remove(name));
  }

  #each(tell: (observer: FunctionObserver) => void): void {
    for (const observer of this.#observers) {
      try {
        tell(observer);
      } catch (error) {
        logger("registry").error("An observer of functions failed: {error}", { error });
      }
    }
  }
}
