/**
 * Pins of code. Code is stored before the function that refers to it; a pin protects it from being
 * collected in between.
 *
 * @module
 */

/** Time for which unreferenced code is protected, ms. */
export const pinMs = 600_000;

/** A pin and its expiration. */
interface Pin<T> {
  readonly value: T;
  readonly until: number;
}

/**
 * Pins of one process. A hash has several pins while several functions with that code are written.
 *
 * @typeParam T data that the registry stores with a pin
 */
export class Pins<T> {
  readonly #pins = new Map<string, Pin<T>[]>();
  readonly #now: () => number;

  /**
   * Creates an empty collection.
   *
   * @param now monotonic time, ms
   */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Adds a pin for stored code. */
  add(hash: string, value: T): void {
    this.#pins.set(hash, [...this.#alive(hash), { value, until: this.#now() + pinMs }]);
  }

  /**
   * Removes one pin, because a function that refers to the code was stored.
   *
   * @returns the data of the pin, undefined if there was none
   */
  take(hash: string): T | undefined {
    const [first, ...rest] = this.#alive(hash);
    if (rest.length > 0) this.#pins.set(hash, rest);
    else this.#pins.delete(hash);
    return first?.value;
  }

  /** True while code with this hash is pinned. */
  has(hash: string): boolean {
    return this.#alive(hash).length > 0;
  }

  #alive(hash: string): Pin<T>[] {
    const now = this.#now();
    return (this.#pins.get(hash) ?? []).filter(({ until }) => until > now);
  }
}
