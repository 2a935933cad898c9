/**
 * Checks the balancers of the remote area over HTTP, since they have no datagram socket.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { PeerClient } from "./peers/client.ts";
import type { Peer } from "./peers/peer.ts";
import type { PeerTable } from "./peers/table.ts";

/** Most balancers that are checked; a region has few. */
const maxBalancers = 8;

/** Dependencies and settings of {@link HealthProber}. */
export interface HealthProberOptions {
  /** The peers; updated with the results. */
  readonly table: PeerTable;
  /** Area whose balancers are checked. */
  readonly remoteArea: string;
  /** Time between two rounds, ms. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Checks one, as {@link PeerClient.health}. */
  readonly check: PeerClient["health"];
}

/** Checks balancers until it is disposed. */
export class HealthProber implements AsyncDisposable {
  readonly #options: HealthProberOptions;
  readonly #stop = new AbortController();
  #round: Promise<void> | undefined;
  #cancel: () => void = () => {};
  /** True if a balancer was added during a round. */
  #again = false;
  /** Balancers that were checked at least once. */
  readonly #probed = new WeakSet<Peer>();

  /** Starts the first round of checks at once. */
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
  }

  #balancers(): Peer[] {
    const { table, remoteArea } = this.#options;
    return [...table.all]
      .filter((peer) => peer.isBalancer && peer.isTrusted && peer.record.area === remoteArea)
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
    const { table, clock, check } = this.#options;
    this.#probed.add(peer);
    const since = clock.now();
    const status = await check(peer.record, this.#stop.signal);
    if (status === 200) table.probeSucceeded(peer, clock.now() - since);
    else if (!this.#stop.signal.aborted) table.probeFailed(peer);
  }
}
