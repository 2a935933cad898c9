/**
 * What the way to another node and back takes: a part that is always there, and one that grows with
 * the size of the request.
 *
 * @module
 */

import { FadingMean } from "./forgetting.ts";

/** How many of the last ways count for the constant part: it must follow changes at once. */
const memory = 8;
/** How many count for the slope. */
const slopeMemory = 60;
/** Age from which the last way says less than a measured round trip, ms. */
const freshMs = 3000;
/** Time per byte that is believed without measurements, ms: 1 Gbit/s. */
const priorSlope = 8e-6;
/** Variance of sizes, bytes², that measurements need before they count as much as the belief. */
const ridge = 1e9;

/** The way to one node. */
export class Way {
  readonly #constant = new FadingMean(memory);
  readonly #size = new FadingMean(slopeMemory);
  /** Decayed sums of squares and products of the departures from the means. */
  #sizeSquares = 0;
  #products = 0;
  #mean = NaN;
  #at = -Infinity;

  /**
   * A request has come back.
   *
   * @param bytes its size
   * @param ms what the way took, there and back
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
   * What a request's way takes, ms.
   *
   * @param bytes its size
   * @param rttMs round trip as the node's own probes tell it
   * @param now monotonic time, ms
   */
  expectedMs(bytes: number, rttMs: number, now: number): number {
    const constant = this.#constant.value(rttMs, 0.5, now);
    const fresh = now - this.#at <= freshMs;
    return (fresh ? constant : Math.max(constant, rttMs)) + this.slope * bytes;
  }
}
