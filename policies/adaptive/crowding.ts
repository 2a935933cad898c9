/**
 * What it costs others when a request takes memory or a warm instance here: the utility that was
 * lost, while earlier requests like it ran, by those who then found no room or no warm instance. The
 * price of memory is learned by the share that was in use when they began, since an empty node costs
 * nobody anything; the price of warm instances by function.
 *
 * @module
 */

import { Book, FadingMean } from "./forgetting.ts";

/** Classes of occupancy. */
const levels = 10;
/** How many of the last executions count, by occupancy. */
const memory = 40;
/** Time after which what was learned counts half, ms. */
const halfLifeMs = 15_000;
/** How many executions the belief that nobody is hurt is worth. */
const priorWeight = 2;

/** What was lost so far. */
interface Losses {
  utility: number;
  count: number;
}

/** How long an instance that was pushed out is missed before another is started, ms. */
const regretMs = 3000;

/** A stay here, from its beginning. */
export interface Stay {
  /** Its function. */
  readonly fn: string;
  /** How full the node was. */
  readonly level: number;
  /** When it began, ms. */
  readonly since: number;
  /** What had been lost for want of memory. */
  readonly memory: Losses;
  /** What had been lost for want of a warm instance of its function. */
  readonly warm: Losses;
}

/** Prices of memory by occupancy. */
export class Crowding {
  readonly #costs = Array.from({ length: levels }, () => new FadingMean(memory, halfLifeMs));
  readonly #warmCosts = new Book<string, FadingMean>(() => new FadingMean(memory, halfLifeMs));
  readonly #stays = new FadingMean(memory);
  /** Utility per MiB of those who lost it. */
  readonly #memory: Losses = { utility: 0, count: 0 };
  readonly #warm = new Book<string, Losses>(() => ({ utility: 0, count: 0 }));

  /**
   * A request found no room.
   *
   * @param utility what it would have brought here beyond what it brings now
   * @param memoryMib what it needed
   */
  foundNoRoom(utility: number, memoryMib: number): void {
    if (!(utility > 0)) return;
    this.#memory.utility += utility / memoryMib;
    this.#memory.count++;
  }

  /**
   * A request found no warm instance of its function.
   *
   * @param utility what it would have brought with one beyond what it brings now
   */
  foundNoneWarm(fn: string, utility: number): void {
    if (!(utility > 0)) return;
    const losses = this.#warm.of(fn);
    losses.utility += utility;
    losses.count++;
  }

  /**
   * A request begins to take memory.
   *
   * @param busy share of the memory in use before
   * @param now monotonic time, ms
   */
  enter(fn: string, busy: number, now: number): Stay {
    const warm = this.#warm.of(fn);
    return {
      fn,
      level: levelOf(busy),
      since: now,
      memory: { ...this.#memory },
      warm: { ...warm },
    };
  }

  /** It has given its memory back. */
  leave({ fn, level, since, memory, warm }: Stay, now: number): void {
    const ms = Math.max(1, now - since);
    // What it took would have served one after the other, not all of them.
    const most = 1 + ms / this.#stays.value(ms, 1, now);
    this.#costs[level]!.add(lostSince(memory, this.#memory, most) / ms, now);
    this.#warmCosts.of(fn).add(lostSince(warm, this.#warm.of(fn), most) / ms, now);
    this.#stays.add(ms, now);
  }

  /**
   * Utility that taking memory costs others.
   *
   * @param busy share of the memory in use
   * @param memoryMib how much is taken
   * @param ms for how long
   * @param now monotonic time, ms
   */
  memoryCost(busy: number, memoryMib: number, ms: number, now: number): number {
    return this.#costs[levelOf(busy)]!.value(0, priorWeight, now) * memoryMib * ms;
  }

  /**
   * Utility that taking a warm instance costs others.
   *
   * @param fn its function
   * @param ms for how long
   * @param now monotonic time, ms
   */
  warmCost(fn: string, ms: number, now: number): number {
    return this.#warmCosts.of(fn).value(0, priorWeight, now) * ms;
  }

  /**
   * Utility that a start costs others that pushes a warm instance out, of whatever function.
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
    return count === 0 ? 0 : regretMs * sum / count;
  }

  /** Price of each level of occupancy, utility per GiB and second, from empty to full. */
  prices(now: number): number[] {
    return this.#costs.map((cost) => cost.value(0, priorWeight, now) * 1024 * 1000);
  }
}

/** Utility lost by so many at most. */
function lostSince(then: Losses, now: Losses, most: number): number {
  const count = now.count - then.count;
  return count === 0 ? 0 : (now.utility - then.utility) * Math.min(1, most / count);
}

function levelOf(busy: number): number {
  return Math.min(levels - 1, Math.max(0, Math.floor(busy * levels)));
}
