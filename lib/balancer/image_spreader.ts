/**
 * Makes one more node fetch the image of a function when those that have it are overloaded: as long
 * as another node has the image, a node without it receives no requests, so it would never get it.
 *
 * @module
 */

import { timeLimit } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import type { NodeClient } from "../cluster/peers/node_client.ts";
import type { Target } from "./target_table.ts";

/** Longest fetch, ms: the limit of a node. */
const fetchTimeoutMs = 30 * 60_000;
/** Pause after a node was asked for an image, ms, until its status is known. */
const pauseMs = 60_000;
/** Most images that are requested at once. */
const maxInFlight = 4;
/** Most images whose pause is remembered. */
const maxPaused = 1000;
/** Longest response that is read, bytes. */
const maxResponseBytes = 64 << 10;

const log = logger("balancer");

/** A function whose image is needed on more nodes. */
export interface ImageRequest {
  readonly name: string;
  /** What it needs of images (`needOf`). */
  readonly need: string;
}

/** Asks nodes to fetch images until it is disposed. */
export class ImageSpreader implements AsyncDisposable {
  readonly #client: Pick<NodeClient, "ask">;
  readonly #clock: Clock;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #pausedUntil = new Map<string, number>();
  readonly #stop = new AbortController();

  /** Creates a spreader that has asked no node yet. */
  constructor(client: Pick<NodeClient, "ask">, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Asks the node with the most free memory to fetch an image, unless one was asked recently.
   *
   * @param lacking healthy nodes that could run the function except for its image
   */
  request(image: ImageRequest, lacking: readonly Target[]): void {
    const { need } = image;
    if (this.#inFlight.has(need) || this.#inFlight.size >= maxInFlight) return;
    if (this.#clock.now() < (this.#pausedUntil.get(need) ?? 0) || this.#stop.signal.aborted) return;
    const [first, ...others] = lacking;
    if (!first) return;
    const target = others.reduce(
      (freest, other) => other.free.freeMemoryMib > freest.free.freeMemoryMib ? other : freest,
      first,
    );
    this.#inFlight.set(need, this.#send(target, image).finally(() => this.#onEnd(need)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#inFlight.values());
  }

  async #send({ record }: Target, { name }: ImageRequest): Promise<void> {
    using limit = timeLimit(this.#clock, fetchTimeoutMs, this.#stop.signal);
    const node = { id: record.id, name };
    log.info(
      "Node {id} pulls the image of {name}, because the nodes that have it are overloaded",
      node,
    );
    try {
      const request = prewarmRequest(record.url, name);
      const { status } = await this.#client.ask(record, request, limit.signal, maxResponseBytes);
      if (status !== 200) log.warn("Node {id} cannot pull the image of {name}", node);
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        log.warn("Node {id} cannot pull the image of {name}: {error}", { ...node, error });
      }
    }
  }

  #onEnd(need: string): void {
    this.#inFlight.delete(need);
    this.#pausedUntil.delete(need);
    this.#pausedUntil.set(need, this.#clock.now() + pauseMs);
    const oldest = this.#pausedUntil.keys().next().value;
    if (this.#pausedUntil.size > maxPaused && oldest !== undefined) {
      this.#pausedUntil.delete(oldest);
    }
  }
}

/** Pre-warming zero instances fetches the image only. */
function prewarmRequest(url: string, name: string) {
  return {
    method: "POST",
    path: "/prewarm",
    headers: [["host", new URL(url).host], ["content-type", "application/json"]] as const,
    body: new TextEncoder().encode(JSON.stringify({ Function: name, Instances: 0 })),
  };
}
