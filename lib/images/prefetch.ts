/**
 * Fetches images in the background, for functions that could run on the node but for their image.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import { needOf } from "./needs.ts";

/** Most images that are fetched ahead at once: requests that wait for theirs share the line. */
const maxUnderWay = 2;
/** How long one that could not be fetched is left alone, ms. */
const backOffMs = 600_000;
/** The same where the engine was away, which says nothing of the image. */
const awayBackOffMs = 15_000;
/** Most failures that are remembered; of more, the oldest are tried again sooner. */
const maxFailures = 1000;

const log = logger("runtime");

/** Fetches the image of a function; an execution environment does. */
export interface ImageFetcher {
  /** Resolves when the image is there. */
  prepare(fn: FunctionRecord): Promise<void>;
}

/** Fetches images ahead. */
export class Prefetcher {
  readonly #environment: ImageFetcher;
  readonly #clock: Clock;
  readonly #underWay = new Set<string>();
  /** When what could not be fetched may be tried again. */
  readonly #notBefore = new Map<string, number>();

  /** @param clock the node's */
  constructor(environment: ImageFetcher, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  /**
   * A function was sent elsewhere for want of its image. Fetches it, unless that is under way, too
   * much is, or it has failed lately.
   */
  want(record: FunctionRecord): void {
    const need = needOf(record);
    if (this.#underWay.has(need) || this.#underWay.size >= maxUnderWay) return;
    if (this.#clock.now() < (this.#notBefore.get(need) ?? 0)) return;
    this.#underWay.add(need);
    this.#environment.prepare(record)
      .then(() => this.#notBefore.delete(need), (error) => this.#failed(need, record.name, error))
      .finally(() => this.#underWay.delete(need));
  }

  #failed(need: string, name: string, thrown: unknown): void {
    const error = asServerledgeError(thrown);
    const waitMs = error.code === "ENGINE_UNAVAILABLE" ? awayBackOffMs : backOffMs;
    this.#notBefore.delete(need);
    this.#notBefore.set(need, this.#clock.now() + waitMs);
    const oldest = this.#notBefore.keys().next().value;
    if (this.#notBefore.size > maxFailures && oldest !== undefined) this.#notBefore.delete(oldest);
    log.warn("Cannot fetch the image of {name} ahead; not again for {seconds} s: {reason}", {
      name,
      seconds: waitMs / 1000,
      reason: error.message,
    });
  }
}
