/**
 * Asks the balancers of the remote area for their health by HTTP, since they take no datagrams.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { answeringNode } from "./peers/answering_node.ts";
import type { Peer } from "./peers/peer.ts";
import type { PeerTable } from "./peers/table.ts";

/** Most balancers that are watched; a region has few. */
const maxWatched = 8;
/** Longest wait for an answer, ms. */
const timeoutMs = 2000;

/** What a prober works with. */
export interface HealthProberOptions {
  /** The peers; told how it went. */
  readonly table: PeerTable;
  /** Area whose balancers are watched. */
  readonly remoteArea: string;
  /** Time between two rounds, ms. */
  readonly intervalMs: number;
  /** The node's clock. */
  readonly clock: Clock;
}

/** Watches balancers until it is disposed. */
export class HealthProber implements AsyncDisposable {
  readonly #options: HealthProberOptions;
  readonly #client = Deno.createHttpClient({});
  readonly #stop = new AbortController();
  #round: Promise<void> | undefined;
  #cancel: () => void = () => {};
  /** Somebody has come during a round. */
  #again = false;
  /** Balancers that were asked already or are being asked. */
  readonly #asked = new WeakSet<Peer>();

  /** Starts; the first round is now. */
  constructor(options: HealthProberOptions) {
    this.#options = options;
    this.#begin();
  }

  /** Asks those that have just come, without waiting for the next round. */
  greet(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#watched().every((peer) => this.#asked.has(peer))) return;
    this.#cancel();
    if (this.#round) this.#again = true;
    else this.#begin();
  }

  /** Ends the questions under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#cancel();
    await this.#round;
    this.#client.close();
  }

  #watched(): Peer[] {
    const { table, remoteArea } = this.#options;
    return [...table.all]
      .filter((peer) => peer.isBalancer && peer.record.area === remoteArea)
      .slice(0, maxWatched);
  }

  #begin(): void {
    const { clock, intervalMs } = this.#options;
    this.#round = Promise.all(this.#watched().map((peer) => this.#ask(peer))).then(() => {
      this.#round = undefined;
      if (this.#stop.signal.aborted) return;
      this.#cancel = clock.after(this.#again ? 0 : intervalMs, () => this.#begin());
      this.#again = false;
    });
  }

  async #ask(peer: Peer): Promise<void> {
    const { table, clock } = this.#options;
    this.#asked.add(peer);
    const control = new AbortController();
    const end = () => control.abort();
    const cancel = clock.after(timeoutMs, end);
    this.#stop.signal.addEventListener("abort", end);
    const since = clock.now();
    try {
      const response = await fetch(new URL("/healthz", peer.record.url), {
        client: this.#client,
        signal: control.signal,
        redirect: "manual",
      });
      const rttMs = clock.now() - since;
      const id = answeringNode(await response.text());
      const isIt = id === undefined || id === peer.record.id;
      if (response.ok && isIt) table.answered(peer, rttMs);
      else table.missed(peer);
    } catch {
      // Refused, reset or silent: all the same for those who look for a way to the cloud.
      if (!this.#stop.signal.aborted) table.missed(peer);
    } finally {
      cancel();
      this.#stop.signal.removeEventListener("abort", end);
    }
  }
}
