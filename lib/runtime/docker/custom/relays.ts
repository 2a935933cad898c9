/**
 * The relays of a node: one of each kind is kept ready once there was a custom image that needed it.
 * Each serves one container and is removed with it.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { Relay, type RelaySite } from "./relay.ts";

const log = logger("runtime");

/** The relays of one kind. */
interface Kind {
  ready: Relay | undefined;
  filling: Promise<void> | undefined;
}

/** Hands out relays. */
export class Relays implements AsyncDisposable {
  readonly #site: () => RelaySite;
  readonly #kinds = new Map<boolean, Kind>();
  #disposed = false;

  /**
   * No relay exists yet.
   *
   * @param site where they will be
   */
  constructor(site: () => RelaySite) {
    this.#site = site;
  }

  /**
   * A relay that was started ahead.
   *
   * @param outbound true for a namespace with a way out
   * @returns undefined if there is none
   */
  take(outbound: boolean): Relay | undefined {
    const kind = this.#kinds.get(outbound);
    const ready = kind?.ready;
    if (kind) kind.ready = undefined;
    else this.#kinds.set(outbound, { ready: undefined, filling: undefined });
    return ready;
  }

  /** Starts those that are missing, in the background; without effect where the engine does not answer. */
  refill(): void {
    if (this.#disposed) return;
    for (const [outbound, kind] of this.#kinds) {
      if (kind.ready || kind.filling) continue;
      kind.filling = this.#fill(outbound, kind)
        .catch((error) => log.debug("No relay is ready: {error}", { error: error.message }))
        .finally(() => kind.filling = undefined);
    }
  }

  /** Resolves when those that are missing were started, or could not be. */
  async filled(): Promise<void> {
    await Promise.all([...this.#kinds.values()].map(({ filling }) => filling));
  }

  /** Removes those that are ready. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.filled();
    await Promise.all([...this.#kinds.values()].map(({ ready }) => ready?.[Symbol.asyncDispose]()));
  }

  async #fill(outbound: boolean, kind: Kind): Promise<void> {
    const relay = await Relay.start(this.#site(), outbound);
    if (this.#disposed) await relay[Symbol.asyncDispose]();
    else kind.ready = relay;
  }
}
