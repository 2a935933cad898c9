/**
 * A set of listeners for one event.
 *
 * @module
 */

import { logger } from "./log.ts";

/** Listeners in the order in which they were added; one that throws keeps the others from nothing. */
export class Listeners<L> {
  readonly #listeners = new Set<L>();
  readonly #room: string;

  /** Nobody listens yet; failures of listeners go to the log of a room. */
  constructor(room: string) {
    this.#room = room;
  }

  /** Adds a listener. @returns removes it again */
  add(listener: L): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Tells each of them. */
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
