/**
 * Histogram of durations with bounded relative error, after Gil Tene's HdrHistogram: bucket widths double
 * with each power of two, and each power has the same number of buckets.
 *
 * @module
 */

/** Largest value, 71 minutes in microseconds; longer ones count as this. */
const maxUs = 0xffff_ffff;

/** Bits for errors of at most 0.1 %. */
export const threeDigits = 11;
/** Bits for errors of at most 1.6 %, at an eighth of the memory. */
export const twoDigits = 7;

/** Histogram of durations. */
export class Histogram {
  readonly #bits: number;
  /** Allocated with the first value: many histograms stay empty. */
  #counts: Uint32Array | undefined;
  #count = 0;
  #sumUs = 0;
  #minUs = Infinity;
  #maxUs = 0;

  /**
   * Creates an empty histogram.
   *
   * @param bits significant bits of a value: {@link threeDigits} or {@link twoDigits}
   */
  constructor(bits: number = threeDigits) {
    this.#bits = bits;
  }

  /** Number of durations. */
  get count(): number {
    return this.#count;
  }

  /** Exact mean, ms; NaN if empty. */
  get meanMs(): number {
    return this.#sumUs / this.#count / 1000;
  }

  /** Exact minimum, ms; NaN if empty. */
  get minMs(): number {
    return this.#count === 0 ? NaN : this.#minUs / 1000;
  }

  /** Exact maximum, ms; NaN if empty. */
  get maxMs(): number {
    return this.#count === 0 ? NaN : this.#maxUs / 1000;
  }

  /**
   * Adds a duration.
   *
   * @param ms the duration, rounded to microseconds
   */
  record(ms: number): void {
    const us = Math.min(maxUs, Math.max(0, Math.round(ms * 1000)));
    this.#counts ??= new Uint32Array(((32 - this.#bits) << (this.#bits - 1)) + (1 << this.#bits));
    this.#counts[this.#indexOf(us)]!++;
    this.#count++;
    this.#sumUs += us;
    if (us < this.#minUs) this.#minUs = us;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /**
   * Returns a quantile by nearest rank, which exceeds the exact one by at most the error of a bucket.
   *
   * @param share 0 to 1
   * @returns ms; NaN if empty
   */
  quantileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count - 1e-9));
    for (const { ms, upTo } of this.steps()) if (upTo >= rank) return ms;
    return NaN;
  }

  /** Yields the distinct durations in ascending order with their cumulative counts. */
  *steps(): Generator<{ readonly ms: number; readonly upTo: number }> {
    let upTo = 0;
    for (const [index, count] of this.#counts?.entries() ?? []) {
      if (count === 0) continue;
      upTo += count;
      yield { ms: Math.min(this.#maxUs, this.#highestUs(index)) / 1000, upTo };
    }
  }

  /**
   * Adds all durations of another histogram.
   *
   * @param other histogram with the same number of bits
   */
  add(other: Histogram): void {
    if (other.#bits !== this.#bits) throw new TypeError("Histograms of different digits");
    if (!other.#counts) return;
    this.#counts ??= new Uint32Array(other.#counts.length);
    for (let at = 0; at < other.#counts.length; at++) this.#counts[at]! += other.#counts[at]!;
    this.#count += other.#count;
    this.#sumUs += other.#sumUs;
    this.#minUs = Math.min(this.#minUs, other.#minUs);
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  #indexOf(us: number): number {
    const shift = Math.max(0, 32 - Math.clz32(us) - this.#bits);
    return (shift << (this.#bits - 1)) + (us >>> shift);
  }

  /** Returns the largest value of a bucket. */
  #highestUs(index: number): number {
    const half = 1 << (this.#bits - 1);
    const shift = Math.max(0, Math.floor(index / half) - 1);
    return (index - shift * half + 1) * 2 ** shift - 1;
  }
}
