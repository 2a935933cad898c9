/**
 * Means that forget: what was seen long ago counts less, by the number of samples since and, where
 * nobody looks any more, by the time.
 *
 * @module
 */

/** A mean towards a prior belief. */
export class FadingMean {
  readonly #keep: number;
  readonly #halfLifeMs: number;
  #weight = 0;
  #sum = 0;
  #at = 0;

  /**
   * A mean of nothing.
   *
   * @param memory how many of the last samples count
   * @param halfLifeMs after which a sample counts half; infinite: time alone makes none forgotten
   */
  constructor(memory: number, halfLifeMs = Infinity) {
    this.#keep = 1 - 1 / memory;
    this.#halfLifeMs = halfLifeMs;
  }

  /**
   * Takes a sample in.
   *
   * @param value the sample
   * @param now monotonic time, ms
   * @param weight how much it counts; 1 is a whole sample
   */
  add(value: number, now: number, weight = 1): void {
    const kept = this.#keep * this.#fade(now);
    this.#weight = this.#weight * kept + weight;
    this.#sum = this.#sum * kept + weight * value;
    this.#at = now;
  }

  /**
   * The mean, drawn to a prior.
   *
   * @param prior what is believed without samples
   * @param priorWeight how many samples that belief is worth
   * @param now monotonic time, ms
   */
  value(prior: number, priorWeight: number, now: number): number {
    const fade = this.#fade(now);
    const weight = this.#weight * fade + priorWeight;
    const believed = priorWeight > 0 ? priorWeight * prior : 0; // the prior may be NaN
    return weight > 0 ? (this.#sum * fade + believed) / weight : prior;
  }

  /** How many samples it is worth. */
  weight(now: number): number {
    return this.#weight * this.#fade(now);
  }

  #fade(now: number): number {
    if (this.#halfLifeMs === Infinity || this.#weight === 0) return 1;
    return 0.5 ** ((now - this.#at) / this.#halfLifeMs);
  }
}

/** A ratio of two sums that forget together: mean times from exposures and completions. */
export class FadingRatio {
  readonly #keep: number;
  #above = 0;
  #below = 0;

  /**
   * A ratio of nothing.
   *
   * @param memory how many of the last samples count
   */
  constructor(memory: number) {
    this.#keep = 1 - 1 / memory;
  }

  /** Adds to both sums. */
  add(above: number, below: number): void {
    this.#above = this.#above * this.#keep + above;
    this.#below = this.#below * this.#keep + below;
  }

  /**
   * The ratio, drawn to a prior.
   *
   * @param prior what is believed without samples
   * @param priorWeight how much that counts against the sum below
   */
  value(prior: number, priorWeight: number): number {
    const below = this.#below + priorWeight;
    const believed = priorWeight > 0 ? priorWeight * prior : 0; // the prior may be NaN
    return below > 0 ? (this.#above + believed) / below : prior;
  }

  /** The sum below. */
  get weight(): number {
    return this.#below;
  }
}

/** A value by key, made when it is first asked for; the keys asked for longest ago go first. */
export class Book<K, V> {
  readonly #values = new Map<K, V>();
  readonly #make: (key: K) => V;
  readonly #most: number;

  /**
   * An empty book.
   *
   * @param make makes the value of a key
   * @param most how many keys are kept
   */
  constructor(make: (key: K) => V, most = 5000) {
    this.#make = make;
    this.#most = most;
  }

  /** The value of a key. */
  of(key: K): V {
    let value = this.#values.get(key);
    if (value === undefined) {
      if (this.#values.size >= this.#most) this.#values.delete(this.#values.keys().next().value!);
      value = this.#make(key);
      this.#values.set(key, value);
    }
    return value;
  }

  /** What is kept, in the order in which it was made. */
  get entries(): Iterable<readonly [K, V]> {
    return this.#values;
  }
}
