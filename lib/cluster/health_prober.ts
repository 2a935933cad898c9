/**
 * Checks the balancers of the remote area over HTTP, since they have no datagram socket.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { respondingNode } from "./peers/responding_node.ts";
import type { Peer } from "./peers/peer.ts";
import type { PeerTable } from "./peers/table.ts";

/** Most balancers that are checked; a region has few. */
const maxBalancers = 8;
/** Longest wait for a response, ms. */
const timeoutMs = 2000;

/** Dependencies and settings of {@link HealthProber}. */
export interface HealthProberOptions {
  /** The peers; updated with the results. */
  readonly table: PeerTable;
  /** Area whose balancers are checked. */
  readonly remoteArea: string;
  /** Time between two rounds, ms. */
  readonly intervalMs: number;
  readonly clock: Clock;
}

/** Checks balancers until it is disposed. */
export class HealthProber implements AsyncDisposable {
  readonly #options: HealthProberOptions;
  readonly #client = Deno.createHttpClient({});
  readonly #stop = new AbortController();
  #round: Promise<void> | undefined;
  #cancel: () => void = () => {};
  /** True if a balancer was added during a round. */
  #again = false;
  /** Balancers that were checked at least once. */
  readonly #probed = new WeakSet<Peer>();

  /** Starts with a first round. */
  constructor(options: HealthProberOptions) {
    this.#options = options;
    this.#begin();
  }

  /** Checks balancers that were added since the last round. */
  probeNew(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#balancers().every((peer) => this.#probed.has(peer))) return;
    this.#cancel();
    if (this.#round) this.#again = true;
    else this.#begin();
  }

  /** Cancels pending checks. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#cancel();
    await this.#round;
    this.#client.close();
  }

  #balancers(): Peer[] {
    const { table, remoteArea } = this.#options;
    return [...table.all]
      .filter((peer) => peer.isBalancer && peer.record.area === remoteArea)
      .slice(0, maxBalancers);
  }

  #begin(): void {
    const { clock, intervalMs } = this.#options;
    this.#round = Promise.all(this.#balancers().map((peer) => this.#probe(peer))).then(() => {
      this.#round = undefined;
      if (this.#stop.signal.aborted) return;
      this.#cancel = clock.after(this.#again ? 0 : intervalMs, () => this.#begin());
      this.#again = false;
    });
  }

  async #probe(peer: Peer): Promise<void> {
    const { table, clock } = this.#options;
    this.#probed.add(peer);
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
      const id = respondingNode(await response.text());
      const isIt = id === undefined || id === peer.record.id;
      if (response.ok && isIt) table.probeSucceeded(peer, rttMs);
      else table.probeFailed(peer);
    } catch {
      // Refused, reset or timed out: in each case the balancer is no way to the cloud.
      if (!this.#stop.signal.aborted) table.probeFailed(peer);
    } finally {
      cancel();
      this.#stop.signal.removeEventListener("abort", end);
    }
  }
}
