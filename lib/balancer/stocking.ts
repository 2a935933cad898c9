/**
 * Has one more node fetch the image of a function where those that have it are full: as long as
 * another has the image, a node without it gets no requests, and would never come to have it.
 *
 * @module
 */

import { timeLimit } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import type { HttpClient } from "../http/client.ts";
import type { Target } from "./target_table.ts";

/** Longest fetch, ms: as long as a node itself gives one. */
const fetchTimeoutMs = 30 * 60_000;
/** How long an image is left alone after a node was asked for it, ms: its status must tell first. */
const restMs = 60_000;
/** Most images that nodes are asked for at once. */
const maxUnderWay = 4;
/** Most images whose rest is remembered. */
const maxResting = 1000;
/** Longest answer that is read. */
const maxAnswerBytes = 64 << 10;

const log = logger("balancer");

/** A function whose image is wanted. */
export interface Wanted {
  readonly name: string;
  /** What it needs of images (`needOf`). */
  readonly need: string;
}

/** Asks nodes to fetch images until it is disposed. */
export class Stocking implements AsyncDisposable {
  readonly #client: Pick<HttpClient, "ask">;
  readonly #clock: Clock;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #restsUntil = new Map<string, number>();
  readonly #stop = new AbortController();

  /**
   * @param client sends to nodes
   * @param clock the balancer's
   */
  constructor(client: Pick<HttpClient, "ask">, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * All that have the image are full. Asks the one of the others with most room to fetch it, unless
   * one was asked lately.
   *
   * @param wanted the function
   * @param lacking healthy nodes that could run it but for its image
   */
  want(wanted: Wanted, lacking: readonly Target[]): void {
    const { need } = wanted;
    if (this.#underWay.has(need) || this.#underWay.size >= maxUnderWay) return;
    if (this.#clock.now() < (this.#restsUntil.get(need) ?? 0) || this.#stop.signal.aborted) return;
    const [first, ...others] = lacking;
    if (!first) return;
    const target = others.reduce(
      (best, other) => other.free.freeMemoryMib > best.free.freeMemoryMib ? other : best,
      first,
    );
    this.#underWay.set(need, this.#ask(target, wanted).finally(() => this.#ended(need)));
  }

  /** Stops asking. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#underWay.values());
  }

  async #ask({ record: { id, url } }: Target, { name }: Wanted): Promise<void> {
    using limit = timeLimit(this.#clock, fetchTimeoutMs, this.#stop.signal);
    const node = { id, name };
    log.info("Node {id} is to fetch the image of {name}: those that have it are full", node);
    try {
      const request = prewarming(url, name);
      const { status } = await this.#client.ask(url, request, limit.signal, maxAnswerBytes);
      if (status !== 200) log.warn("Node {id} cannot fetch the image of {name}", node);
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        log.warn("Node {id} did not fetch the image of {name}: {error}", { ...node, error });
      }
    }
  }

  #ended(need: string): void {
    this.#underWay.delete(need);
    this.#restsUntil.delete(need);
    this.#restsUntil.set(need, this.#clock.now() + restMs);
    const oldest = this.#restsUntil.keys().next().value;
    if (this.#restsUntil.size > maxResting && oldest !== undefined) this.#restsUntil.delete(oldest);
  }
}

/** Pre-warming no instance is fetching the image. */
function prewarming(url: string, name: string) {
  return {
    method: "POST",
    path: "/prewarm",
    headers: [["host", new URL(url).host], ["content-type", "application/json"]] as const,
    body: new TextEncoder().encode(JSON.stringify({ Function: name, Instances: 0 })),
  };
}
