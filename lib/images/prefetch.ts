/**
 * Background fetching of images for functions that lack only their image on this node.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { FunctionRecord } from "../model/function.ts";
import { needOf } from "./needs.ts";

/** Maximum number of parallel fetches, which share the network with those of waiting requests. */
const maxUnderWay = 2;
/** Delay before a retry, ms. */
const backOffMs = 600_000;
/** Delay before a retry if the engine was unreachable, ms. */
const awayBackOffMs = 15_000;
/** Maximum number of failures remembered; the oldest are forgotten first. */
const maxFailures = 1000;

const log = logger("runtime");

/** Environment that fetches images. */
export interface ImageFetcher {
  /** Resolves when the image is present. */
  prepare(fn: FunctionRecord): Promise<void>;
}

/** Prefetcher of images. */
export class Prefetcher {
  readonly #environment: ImageFetcher;
  readonly #clock: Clock;
  readonly #underWay = new Set<string>();
  /** Times of the next retries. */
  readonly #notBefore = new Map<string, number>();

  /** Creates a prefetcher that fetches nothing yet. */
  constructor(environment: ImageFetcher, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  /**
   * Fetches the image of a function in the background, unless it is being fetched, too many others are, or
   * it failed recently.
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
    log.warn("Cannot prefetch the image of {name}; next attempt in {seconds} s: {reason}", {
      name,
      seconds: waitMs / 1000,
      reason: error.message,
    });
  }
}
