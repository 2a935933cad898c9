/**
 * Set of listeners for one event.
 *
 * @module
 */

import { logger } from "./log.ts";

/** Listeners, called in the order in which they were added. One that throws does not affect the others. */
export class Listeners<L> {
  readonly #listeners = new Set<L>();
  readonly #room: string;

  /**
   * Creates an empty list.
   *
   * @param room name of the module in whose log failures of listeners are recorded
   */
  constructor(room: string) {
    this.#room = room;
  }

  /** Adds a listener. Disposing the returned object removes it. */
  add(listener: L): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Calls a function with each listener. */
  each(tell: (listener: L) => void): void {
    for (const listener of this.#listeners) {
      try {
        tell(listener);
      } catch (error) {
        logger(this.#room).error("A listener failed: {error}", { error });
      }
    }
  }
}
