/**
 * Exponentially weighted means: samples fade with the number of later samples and, optionally, with time.
 *
 * @module
 */

/** Exponentially weighted mean with a prior. */
export class FadingMean {
  readonly #keep: number;
  readonly #halfLifeMs: number;
  #weight = 0;
  #sum = 0;
  #at = 0;

  /**
   * Creates a mean without samples.
   *
   * @param memory effective number of samples
   * @param halfLifeMs time after which a sample counts half; infinite if samples do not fade with time
   */
  constructor(memory: number, halfLifeMs = Infinity) {
    this.#keep = 1 - 1 / memory;
    this.#halfLifeMs = halfLifeMs;
  }

  /**
   * Adds a sample.
   *
   * @param now monotonic time, ms
   * @param weight weight of the sample, 1 by default
   */
  add(value: number, now: number, weight = 1): void {
    const kept = this.#keep * this.#fade(now);
    this.#weight = this.#weight * kept + weight;
    this.#sum = this.#sum * kept + weight * value;
    this.#at = now;
  }

  /**
   * Mean of the samples and the prior.
   *
   * @param prior value without samples
   * @param now monotonic time, ms
   */
  value(prior: number, priorWeight: number, now: number): number {
    const fade = this.#fade(now);
    const weight = this.#weight * fade + priorWeight;
    const fromPrior = priorWeight > 0 ? priorWeight * prior : 0; // the prior may be NaN
    return weight > 0 ? (this.#sum * fade + fromPrior) / weight : prior;
  }

  /** Total weight of the samples. */
  weight(now: number): number {
    return this.#weight * this.#fade(now);
  }

  #fade(now: number): number {
    if (this.#halfLifeMs === Infinity || this.#weight === 0) return 1;
    return 0.5 ** ((now - this.#at) / this.#halfLifeMs);
  }
}

/** Ratio of two exponentially weighted sums, such as exposure over completions. */
export class FadingRatio {
  readonly #keep: number;
  #numerator = 0;
  #denominator = 0;

  /**
   * Creates a ratio without samples.
   *
   * @param memory effective number of samples
   */
  constructor(memory: number) {
    this.#keep = 1 - 1 / memory;
  }

  /** Adds a sample to both sums. */
  add(above: number, below: number): void {
    this.#numerator = this.#numerator * this.#keep + above;
    this.#denominator = this.#denominator * this.#keep + below;
  }

  /**
   * Ratio of the sums and the prior.
   *
   * @param prior value without samples
   * @param priorWeight weight of the prior in the denominator
   */
  value(prior: number, priorWeight: number): number {
    const below = this.#denominator + priorWeight;
    const fromPrior = priorWeight > 0 ? priorWeight * prior : 0; // the prior may be NaN
    return below > 0 ? (this.#numerator + fromPrior) / below : prior;
  }

  /** The denominator. */
  get weight(): number {
    return this.#denominator;
  }
}

/** Bounded map that creates values on first access and evicts the oldest keys. */
export class BoundedMap<K, V> {
  readonly #values = new Map<K, V>();
  readonly #make: (key: K) => V;
  readonly #most: number;

  /**
   * Creates an empty map.
   *
   * @param make creates the value of a key
   * @param most maximum number of keys
   */
  constructor(make: (key: K) => V, most = 5000) {
    this.#make = make;
    this.#most = most;
  }

  /** Returns the value of a key and creates it if it is absent. */
  of(key: K): V {
    let value = this.#values.get(key);
    if (value === undefined) {
      if (this.#values.size >= this.#most) this.#values.delete(this.#values.keys().next().value!);
      value = this.#make(key);
      this.#values.set(key, value);
    }
    return value;
  }

  /** Entries in order of creation. */
  get entries(): Iterable<readonly [K, V]> {
    return this.#values;
  }
}
