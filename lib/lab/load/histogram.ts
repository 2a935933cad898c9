/**
 * How durations are spread, in little memory and with a bounded relative error, in the way of Gil
 * Tene's HdrHistogram: buckets double in width from one power of two to the next, and each power
 * has the same number of them.
 *
 * @module
 */

/** Values are whole microseconds, and longer ones count as this: 71 minutes. */
const maxUs = 0xffff_ffff;

/** Three significant digits: errors of at most 0.1 %. */
export const threeDigits = 11;
/** Two significant digits at an eighth of the memory: errors of at most 1.6 %. */
export const twoDigits = 7;

/** Counts durations. */
export class Histogram {
  readonly #bits: number;
  /** Made with the first value: many are never used. */
  #counts: Uint32Array | undefined;
  #count = 0;
  #sumUs = 0;
  #minUs = Infinity;
  #maxUs = 0;

  /**
   * An empty histogram.
   *
   * @param bits binary digits that are kept of a value: {@link threeDigits} or {@link twoDigits}
   */
  constructor(bits: number = threeDigits) {
    this.#bits = bits;
  }

  /** How many durations it holds. */
  get count(): number {
    return this.#count;
  }

  /** Their mean, exact, ms; NaN if there are none. */
  get meanMs(): number {
    return this.#sumUs / this.#count / 1000;
  }

  /** The shortest, exact, ms; NaN if there is none. */
  get minMs(): number {
    return this.#count === 0 ? NaN : this.#minUs / 1000;
  }

  /** The longest, exact, ms; NaN if there is none. */
  get maxMs(): number {
    return this.#count === 0 ? NaN : this.#maxUs / 1000;
  }

  /**
   * Counts a duration.
   *
   * @param ms what is less than a microsecond counts as none
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
   * The duration that a share of all do not exceed, by the nearest rank; at most the error of the
   * buckets too long.
   *
   * @param share 0 to 1
   * @returns ms; NaN if there are none
   */
  quantileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count - 1e-9));
    for (const { ms, upTo } of this.steps()) if (upTo >= rank) return ms;
    return NaN;
  }

  /**
   * The durations that occur, in ascending order, each with how many there are up to it.
   */
  *steps(): Generator<{ readonly ms: number; readonly upTo: number }> {
    let upTo = 0;
    for (const [index, count] of this.#counts?.entries() ?? []) {
      if (count === 0) continue;
      upTo += count;
      yield { ms: Math.min(this.#maxUs, this.#highestUs(index)) / 1000, upTo };
    }
  }

  /**
   * Adds all of another.
   *
   * @param other of the same digits
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

  /** The largest value that a bucket holds. */
  #highestUs(index: number): number {
    const half = 1 << (this.#bits - 1);
    const shift = Math.max(0, Math.floor(index / half) - 1);
    return (index - shift * half + 1) * 2 ** shift - 1;
  }
}
