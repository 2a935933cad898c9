/**
 * Fails requests in flight on a node that does not respond any more, long before the deadline of a
 * long-running function. A slow node still answers datagrams, or its health check, while the
 * function runs.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Peer } from "../peers/peer.ts";

/** Time between two checks of a node with requests in flight, ms. */
export const livenessCheckMs = 5_000;
/** Failed checks in a row after which its requests fail. */
const maxFailures = 3;

/** Dependencies and settings of a {@link LivenessMonitor}. */
export interface LivenessOptions {
  readonly clock: Clock;
  /** Time between two checks, ms. */
  readonly checkMs: number;
  /** Checks a peer's health; false if it does not respond in time. */
  readonly isAlive: (peer: Peer) => Promise<boolean>;
}

/** A peer with requests in flight. */
interface Monitored {
  readonly listeners: Set<() => void>;
  failures: number;
  cancel: () => void;
}

/** Monitors peers while they have requests in flight. */
export class LivenessMonitor implements Disposable {
  readonly #options: LivenessOptions;
  readonly #monitored = new Map<Peer, Monitored>();

  /** Creates a monitor without peers, which sets no timer. */
  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /**
   * Monitors a peer with a request in flight.
   *
   * @param giveUp called once if the peer becomes unresponsive
   * @returns a function to call when the request has ended
   */
  add(peer: Peer, giveUp: () => void): () => void {
    let monitored = this.#monitored.get(peer);
    if (!monitored) {
      this.#monitored.set(
        peer,
        monitored = { listeners: new Set(), failures: 0, cancel: () => {} },
      );
      this.#schedule(peer, monitored);
    }
    const { listeners } = monitored;
    listeners.add(giveUp);
    return () => void listeners.delete(giveUp);
  }

  [Symbol.dispose](): void {
    for (const { cancel } of this.#monitored.values()) cancel();
    this.#monitored.clear();
  }

  #schedule(peer: Peer, monitored: Monitored): void {
    const { clock, checkMs } = this.#options;
    monitored.cancel = clock.after(checkMs, () => void this.#check(peer, monitored));
  }

  async #check(peer: Peer, monitored: Monitored): Promise<void> {
    const { clock, checkMs, isAlive } = this.#options;
    if (monitored.listeners.size === 0) return void this.#monitored.delete(peer);
    const isResponsive = peer.ageMs(clock.now()) < checkMs || await isAlive(peer);
    if (this.#monitored.get(peer) !== monitored) return;
    monitored.failures = isResponsive ? 0 : monitored.failures + 1;
    if (monitored.failures < maxFailures) return this.#schedule(peer, monitored);
    this.#monitored.delete(peer);
    for (const giveUp of monitored.listeners) giveUp();
  }
}
