/**
 * Relays of a node. One of each kind is kept ready after a custom image has needed that kind. Each relay
 * serves one container and is removed with it.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { StandbyPool } from "../../../base/standby_pool.ts";
import { Relay, type RelayContext } from "./relay.ts";

const log = logger("runtime");

/** Relays that are kept ready, with and without outbound access. */
export class Relays implements AsyncDisposable {
  readonly #context: () => RelayContext;
  readonly #pools = new Map<boolean, StandbyPool<Relay>>();

  /**
   * Creates an empty set. {@link Relays.refill} starts only the kinds that were requested by
   * {@link Relays.take}.
   *
   * @param context returns the dependencies of new relays
   */
  constructor(context: () => RelayContext) {
    this.#context = context;
  }

  /**
   * Takes a relay that is ready.
   *
   * @param outbound true for a namespace with outbound access
   * @returns undefined if none is ready
   */
  take(outbound: boolean): Relay | undefined {
    const pool = this.#pools.get(outbound) ??
      new StandbyPool<Relay>({
        size: () => 1,
        start: () => Relay.start(this.#context(), outbound),
        onFailure: (message) => log.debug("Standby relay {message}", { message }),
      });
    this.#pools.set(outbound, pool);
    return pool.take();
  }

  /** Starts missing relays in the background. This has no effect if the engine does not respond. */
  refill(): void {
    for (const pool of this.#pools.values()) pool.refill();
  }

  /** Resolves when the relays are ready or could not be started. */
  async filled(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.filled()));
  }

  /** Removes the relays that are ready. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool[Symbol.asyncDispose]()));
  }
}
