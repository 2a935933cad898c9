/**
 * Gives up requests that are under way on a node which gives no sign of life any more, long before the
 * deadline of a long-running function. A slow node is not a silent one: it answers datagrams, or else
 * its health check, while the function runs.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Peer } from "../peers/peer.ts";

/** Time between two looks at a node with requests under way, ms. */
export const silenceCheckMs = 5_000;
/** Looks in a row without a sign of life after which its requests are given up. */
const fatalChecks = 3;

/** What a watch works with. */
export interface SilenceOptions {
  /** The node's clock. */
  readonly clock: Clock;
  /** Time between two looks, ms. */
  readonly checkMs: number;
  /** Asks a peer for its health; false if it does not answer within a bound. */
  readonly isAlive: (peer: Peer) => Promise<boolean>;
}

/** A peer with requests under way. */
interface Watched {
  readonly given: Set<() => void>;
  failures: number;
  cancel: () => void;
}

/** Watches peers as long as requests are under way on them. */
export class SilenceWatch implements Disposable {
  readonly #options: SilenceOptions;
  readonly #watched = new Map<Peer, Watched>();

  /** Watches nobody yet. */
  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /**
   * Watches a peer on which a request is under way.
   *
   * @param peer the peer
   * @param giveUp called once if the peer falls silent
   * @returns to be called when the request has ended
   */
  begin(peer: Peer, giveUp: () => void): () => void {
    let watched = this.#watched.get(peer);
    if (!watched) {
      this.#watched.set(peer, watched = { given: new Set(), failures: 0, cancel: () => {} });
      this.#lookLater(peer, watched);
    }
    const { given } = watched;
    given.add(giveUp);
    return () => void given.delete(giveUp);
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    for (const { cancel } of this.#watched.values()) cancel();
    this.#watched.clear();
  }

  #lookLater(peer: Peer, watched: Watched): void {
    const { clock, checkMs } = this.#options;
    watched.cancel = clock.after(checkMs, () => void this.#look(peer, watched));
  }

  async #look(peer: Peer, watched: Watched): Promise<void> {
    const { clock, checkMs, isAlive } = this.#options;
    if (watched.given.size === 0) return void this.#watched.delete(peer);
    const isHeard = peer.ageMs(clock.now()) < checkMs || await isAlive(peer);
    if (this.#watched.get(peer) !== watched) return;
    watched.failures = isHeard ? 0 : watched.failures + 1;
    if (watched.failures < fatalChecks) return this.#lookLater(peer, watched);
    this.#watched.delete(peer);
    for (const giveUp of watched.given) giveUp();
  }
}
