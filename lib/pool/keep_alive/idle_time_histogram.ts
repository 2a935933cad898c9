/**
 * Histogram of bounded size of one function's idle times (Shahrad et al., "Serverless in the Wild",
 * USENIX ATC 2020, section 4.2).
 *
 * @module
 */

/** Width of a bin, ms: one minute, as in the paper. */
export const binMs = 60_000;
/** Number of bins: four hours, as in the paper. */
export const binCount = 240;
/**
 * Total at which all counts are halved, so that old idle times lose weight and 16 bits hold any count.
 * (The paper keeps and weighs a histogram for each of the last days instead.)
 */
const maxTotal = 10_000;

/** Histogram of idle times that takes half a kilobyte, however many they are. */
export class IdleTimeHistogram {
  readonly #bins = new Uint16Array(binCount);
  #total = 0;
  #outOfBounds = 0;

  /** Number of idle times within the range. */
  get total(): number {
    return this.#total;
  }

  /** Share of idle times beyond the range, 0 to 1; 0 if empty. */
  get outOfBoundsShare(): number {
    const all = this.#total + this.#outOfBounds;
    return all === 0 ? 0 : this.#outOfBounds / all;
  }

  /** Adds an idle time. */
  add(idleMs: number): void {
    const bin = Math.floor(idleMs / binMs);
    if (bin < binCount) {
      this.#bins[bin]!++;
      this.#total++;
    } else {
      this.#outOfBounds++;
    }
    if (this.#total + this.#outOfBounds >= maxTotal) this.#halve();
  }

  /**
   * Coefficient of variation of the counts: 0 if empty or if all bins are equal, which means no pattern,
   * about 15 if one bin holds everything.
   */
  get variation(): number {
    if (this.#total === 0) return 0;
    const mean = this.#total / binCount;
    let squares = 0;
    for (const count of this.#bins) squares += (count - mean) ** 2;
    return Math.sqrt(squares / binCount) / mean;
  }

  /**
   * Finds the bin that holds a percentile of the idle times within the range.
   *
   * @param share 0 to 1
   * @returns lower and upper end of the bin, ms; the whole range if the histogram is empty
   */
  percentile(share: number): { lowerMs: number; upperMs: number } {
    if (this.#total === 0) return { lowerMs: 0, upperMs: binCount * binMs };
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let below = 0;
    let bin = 0;
    while (bin < binCount - 1 && below + this.#bins[bin]! < rank) below += this.#bins[bin++]!;
    return { lowerMs: bin * binMs, upperMs: (bin + 1) * binMs };
  }

  #halve(): void {
    this.#total = 0;
    for (let bin = 0; bin < binCount; bin++) {
      this.#bins[bin]! >>= 1;
      this.#total += this.#bins[bin]!;
    }
    this.#outOfBounds >>= 1;
  }
}
