/**
 * Shadow prices of local memory and warm instances: the utility that other requests lost, for lack of
 * memory or of a warm instance, while earlier requests held them. The price of memory is estimated per
 * level of occupancy, since memory of an empty node is free; the price of warm instances per function.
 *
 * @module
 */

import { BoundedMap, FadingMean } from "./fading.ts";

/** Number of occupancy levels. */
const levels = 10;
/** Effective number of samples per estimate. */
const memory = 40;
/** Half-life of a sample, ms. */
const halfLifeMs = 15_000;
/** Weight of the prior (a price of zero), in samples. */
const priorWeight = 2;

/** Utility lost so far, and by how many requests. */
interface Losses {
  utility: number;
  count: number;
}

/** Time until an evicted instance is replaced, ms. */
const replacementMs = 3000;

/** Time that a request holds memory here, from its start. */
export interface Residence {
  /** Name of the function. */
  readonly fn: string;
  /** Occupancy level of the node at the start. */
  readonly level: number;
  /** Start, monotonic, ms. */
  readonly sinceMs: number;
  /** Losses by lack of memory until the start. */
  readonly memory: Losses;
  /** Losses by lack of a warm instance of the function until the start. */
  readonly warm: Losses;
}

/** Estimates of the shadow prices. */
export class ShadowPrices {
  readonly #costs = Array.from({ length: levels }, () => new FadingMean(memory, halfLifeMs));
  readonly #warmCosts = new BoundedMap<string, FadingMean>(() =>
    new FadingMean(memory, halfLifeMs)
  );
  readonly #residences = new FadingMean(memory);
  /** Lost utility per MiB. */
  readonly #memory: Losses = { utility: 0, count: 0 };
  readonly #warm = new BoundedMap<string, Losses>(() => ({ utility: 0, count: 0 }));

  /**
   * Records that a request found no memory.
   *
   * @param utility utility lost against running here
   * @param memoryMib memory that it needed
   */
  recordNoRoom(utility: number, memoryMib: number): void {
    if (!(utility > 0)) return;
    this.#memory.utility += utility / memoryMib;
    this.#memory.count++;
  }

  /**
   * Records that a request found no warm instance of its function.
   *
   * @param utility utility lost against a warm start
   */
  recordNoneWarm(fn: string, utility: number): void {
    if (!(utility > 0)) return;
    const losses = this.#warm.of(fn);
    losses.utility += utility;
    losses.count++;
  }

  /**
   * Starts the residence of a request.
   *
   * @param busy share of memory in use before it
   * @param now monotonic time, ms
   */
  enter(fn: string, busy: number, now: number): Residence {
    const warm = this.#warm.of(fn);
    return {
      fn,
      level: levelOf(busy),
      sinceMs: now,
      memory: { ...this.#memory },
      warm: { ...warm },
    };
  }

  /** Ends a residence and charges the losses since its start to it. */
  leave({ fn, level, sinceMs: since, memory, warm }: Residence, now: number): void {
    const ms = Math.max(1, now - since);
    // The memory would have served the losers one after the other, not all of them.
    const most = 1 + ms / this.#residences.value(ms, 1, now);
    this.#costs[level]!.add(lostSince(memory, this.#memory, most) / ms, now);
    this.#warmCosts.of(fn).add(lostSince(warm, this.#warm.of(fn), most) / ms, now);
    this.#residences.add(ms, now);
  }

  /**
   * Price of holding memory, in utility lost by others.
   *
   * @param busy share of the memory in use
   * @param memoryMib memory held
   * @param ms time held
   * @param now monotonic time, ms
   */
  memoryCost(busy: number, memoryMib: number, ms: number, now: number): number {
    return this.#costs[levelOf(busy)]!.value(0, priorWeight, now) * memoryMib * ms;
  }

  /**
   * Price of holding a warm instance, in utility lost by others.
   *
   * @param fn name of the function
   * @param ms time held
   * @param now monotonic time, ms
   */
  warmCost(fn: string, ms: number, now: number): number {
    return this.#warmCosts.of(fn).value(0, priorWeight, now) * ms;
  }

  /**
   * Price of a start that evicts a warm instance: the mean over all functions.
   *
   * @param now monotonic time, ms
   */
  evictionCost(now: number): number {
    let sum = 0;
    let count = 0;
    for (const [, cost] of this.#warmCosts.entries) {
      sum += cost.value(0, priorWeight, now);
      count++;
    }
    return count === 0 ? 0 : replacementMs * sum / count;
  }

  /** Prices by occupancy from empty to full, utility per GiB and second. */
  memoryPrices(now: number): number[] {
    return this.#costs.map((cost) => cost.value(0, priorWeight, now) * 1024 * 1000);
  }
}

/** Utility lost since a snapshot, scaled down to a maximum number of losers. */
function lostSince(then: Losses, now: Losses, most: number): number {
  const count = now.count - then.count;
  return count === 0 ? 0 : (now.utility - then.utility) * Math.min(1, most / count);
}

function levelOf(busy: number): number {
  return Math.min(levels - 1, Math.max(0, Math.floor(busy * levels)));
}
