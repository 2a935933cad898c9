/**
 * The idle times of one function in a histogram of bounded size (Shahrad et al., "Serverless in the
 * Wild", USENIX ATC 2020, section 4.2).
 *
 * @module
 */

/** Width of a bin, ms: one minute, as in the paper. */
export const binMs = 60_000;
/** How many bins: four hours, as in the paper. */
export const binCount = 240;
/**
 * Idle times from which all counts are halved, so that old ones count ever less and 16 bits hold any
 * count. (The paper keeps a histogram for each of the last days instead, and weighs them.)
 */
const maxTotal = 10_000;

/** Counts idle times; takes half a kilobyte, however many they are. */
export class IdleHistogram {
  readonly #bins = new Uint16Array(binCount);
  #total = 0;
  #outOfBounds = 0;

  /** Idle times within its range. */
  get total(): number {
    return this.#total;
  }

  /** Share of idle times that were beyond its range, 0 to 1; 0 without any. */
  get outOfBoundsShare(): number {
    const all = this.#total + this.#outOfBounds;
    return all === 0 ? 0 : this.#outOfBounds / all;
  }

  /** Counts one idle time. */
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
   * Coefficient of variation of the counts: 0 if all bins hold the same, which tells nothing, about 15
   * if one holds everything.
   *
   * @returns 0 for an empty histogram
   */
  get variation(): number {
    if (this.#total === 0) return 0;
    const mean = this.#total / binCount;
    let squares = 0;
    for (const count of this.#bins) squares += (count - mean) ** 2;
    return Math.sqrt(squares / binCount) / mean;
  }

  /**
   * The bin that holds a percentile of the idle times within the range.
   *
   * @param share 0 to 1
   * @returns the bin's lower and upper end, ms; the whole range if it is empty
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
