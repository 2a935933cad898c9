/**
 * Time of a request on the network, to another node and back: a constant and a part proportional to size.
 *
 * @module
 */

import { FadingMean } from "./fading.ts";

/** Effective number of samples of the constant, which must follow changes at once. */
const memory = 8;
/** Effective number of samples of the slope. */
const slopeMemory = 60;
/** Age from which the last sample counts less than a measured round trip, ms. */
const freshMs = 3000;
/** Prior time per byte, ms: 1 Gbit/s. */
const priorSlope = 8e-6;
/** Variance of sizes, bytes², at which samples count as much as the prior. */
const ridge = 1e9;

/** Linear model of the time on the network to one node. */
export class NetworkCost {
  readonly #constant = new FadingMean(memory);
  readonly #size = new FadingMean(slopeMemory);
  /** Decayed sums of squares and products of the deviations from the means. */
  #sizeSquares = 0;
  #products = 0;
  #mean = NaN;
  #at = -Infinity;

  /**
   * Records a request.
   *
   * @param bytes its size
   * @param ms its time on the network
   * @param now monotonic time, ms
   */
  observe(bytes: number, ms: number, now: number): void {
    const keep = 1 - 1 / slopeMemory;
    const meanSize = this.#size.value(bytes, 0, now);
    const before = Number.isNaN(this.#mean) ? ms : this.#mean;
    this.#sizeSquares = this.#sizeSquares * keep + (bytes - meanSize) ** 2;
    this.#products = this.#products * keep + (bytes - meanSize) * (ms - before);
    this.#size.add(bytes, now);
    this.#mean = before + (ms - before) / memory;
    this.#constant.add(ms - this.slope * bytes, now);
    this.#at = now;
  }

  /** Time per byte, ms. */
  get slope(): number {
    return Math.max(0, (this.#products + ridge * priorSlope) / (this.#sizeSquares + ridge));
  }

  /**
   * Expected time of a request on the network, ms.
   *
   * @param bytes its size
   * @param rttMs round trip measured by probes
   * @param now monotonic time, ms
   */
  expectedMs(bytes: number, rttMs: number, now: number): number {
    const constant = this.#constant.value(rttMs, 0.5, now);
    const fresh = now - this.#at <= freshMs;
    return (fresh ? constant : Math.max(constant, rttMs)) + this.slope * bytes;
  }
}
