/**
 * What is known of one other node beside its speed: its way, its willingness, and how likely it has
 * a warm instance.
 *
 * @module
 */

import { Delays } from "./delays.ts";
import { Book, FadingMean } from "./forgetting.ts";
import { Shelf } from "./shelf.ts";
import { Way } from "./way.ts";

/** How many of the last answers count. */
const memory = { willing: 8, cold: 12, right: 20 };
/** After that time without answers a belief is half forgotten, ms: so what was bad is tried again. */
const halfLifeMs = { willing: 4000, right: 15_000 };
/** How likely a node takes a request, as its news tell of room or not. */
const willingPrior = { room: 0.95, none: 0.4 };
/** How likely an instance must be started, where one should be warm and where none is known. */
const coldPrior = { warm: 0.08, unknown: 0.85 };
/** What those beliefs are worth in samples. */
const priorWeight = { willing: 1, cold: 2, right: 4 };

/** How often an instance had to be started, where one was expected to be warm and where not. */
interface Starts {
  readonly warm: FadingMean;
  readonly unknown: FadingMean;
}

/** One other node. */
export class Station {
  /** What the way takes. */
  readonly way: Way = new Way();
  /** Waits there before executions that no instance was started for, ms, by class. */
  readonly waits: Book<string, Delays> = new Book(() => new Delays(), 100);
  /** Its instances. */
  readonly shelf: Shelf = new Shelf();
  readonly #starts = new Book<string, Starts>(
    () => ({ warm: new FadingMean(memory.cold), unknown: new FadingMean(memory.cold) }),
    1000,
  );
  readonly #willing = new Book<string, FadingMean>(
    () => new FadingMean(memory.willing, halfLifeMs.willing),
    1000,
  );
  /** Successes against what was expected. */
  readonly #right = new FadingMean(memory.right, halfLifeMs.right);

  /**
   * A request was served there, or is believed to have been.
   *
   * @param expectedWarm what was expected
   * @param cold how likely an instance was started, 0 to 1
   * @param now monotonic time, ms
   */
  served(fn: string, expectedWarm: boolean, cold: number, now: number): void {
    const starts = this.#starts.of(fn);
    (expectedWarm ? starts.warm : starts.unknown).add(cold, now);
  }

  /** Probability that an instance must be started. */
  coldShare(fn: string, expectedWarm: boolean, now: number): number {
    const starts = this.#starts.of(fn);
    const [mean, prior] = expectedWarm
      ? [starts.warm, coldPrior.warm]
      : [starts.unknown, coldPrior.unknown];
    return mean.value(prior, priorWeight.cold, now);
  }

  /** It took a request of a class, or did not. */
  answered(qosClass: string, took: boolean, now: number): void {
    this.#willing.of(qosClass).add(took ? 1 : 0, now);
  }

  /** Probability that it takes a request of a class. */
  willingness(qosClass: string, hasRoom: boolean, now: number): number {
    const prior = hasRoom ? willingPrior.room : willingPrior.none;
    return this.#willing.of(qosClass).value(prior, priorWeight.willing, now);
  }

  /** Probabilities that it takes requests, by class, where it has room. */
  *willingnesses(now: number): Generator<{ class: string; takes: number }> {
    for (const [qosClass] of this.#willing.entries) {
      yield { class: qosClass, takes: this.willingness(qosClass, true, now) };
    }
  }

  /** Probabilities that an instance must be started, by function. */
  *coldShares(now: number): Generator<{ function: string; seenWarm: number; else: number }> {
    for (const [fn] of this.#starts.entries) {
      yield {
        function: fn,
        seenWarm: this.coldShare(fn, true, now),
        else: this.coldShare(fn, false, now),
      };
    }
  }

  /** A request that it took ended; in time with what probability was expected. */
  ended(inTime: boolean, expected: number, now: number): void {
    this.#right.add(inTime ? 1 : 0, now, 1);
    this.#expected.add(expected, now, 1);
  }

  readonly #expected = new FadingMean(memory.right, halfLifeMs.right);

  /** By what expectations of its being in time must be multiplied to be right. */
  correction(now: number): number {
    const right = this.#right.value(0.7, priorWeight.right, now);
    const expected = this.#expected.value(0.7, priorWeight.right, now);
    return Math.min(1, right / Math.max(1e-6, expected));
  }
}
