/**
 * Slots for connections. They limit the number of descriptors, in total and for each address.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { ipv6Groups } from "../ip_address.ts";
import type { ServerLimits } from "./limits.ts";
import type { ClientTimeouts, Waiter } from "./client_timeouts.ts";

/** Share of the head timeout after which a connection with an incomplete head can be evicted. */
const graceShare = 0.01;
/** Interval of attempts to evict a connection while all connections are busy, ms. */
const retryMs = 50;

/** Counts connections. If no slot is free, a new connection evicts one that has no request. */
export class ConnectionSlots {
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #timeouts: ClientTimeouts;
  readonly #byGroup = new Map<string, number>();
  #taken = 0;
  #released: PromiseWithResolvers<void> | undefined;

  /**
   * Creates slots that are all free.
   *
   * @param limits number of slots, in total and for each address
   * @param timeouts connections that can be evicted
   * @param clock clock of the attempts to evict
   */
  constructor(limits: ServerLimits, timeouts: ClientTimeouts, clock: Clock) {
    this.#clock = clock;
    this.#limits = limits;
    this.#timeouts = timeouts;
  }

  /**
   * Takes a slot. If none is free, it evicts a connection.
   *
   * @param client address of the client
   * @returns false if the address has reached its limit and all of its connections are busy
   */
  take(client: string): boolean {
    const group = groupOf(client);
    const count = this.#byGroup.get(group) ?? 0;
    if (count >= this.#limits.connectionsOfAddress && !isLoopback(client)) {
      if (!this.#evict((other) => groupOf(other) === group)) return false;
    }
    this.#byGroup.set(group, count + 1);
    this.add(1);
    return true;
  }

  /**
   * Takes or releases slots that belong to no client.
   *
   * @param count number of slots; negative: they are released
   */
  add(count: number): void {
    this.#taken += count;
    if (count < 0) this.wake();
    else if (this.#taken > this.#limits.connections) this.evictOne();
  }

  /** Releases the slot of a client. */
  release(client: string): void {
    const group = groupOf(client);
    const left = this.#byGroup.get(group)! - 1;
    if (left > 0) this.#byGroup.set(group, left);
    else this.#byGroup.delete(group);
    this.add(-1);
  }

  /** Waits until the number of taken slots is within the limit. */
  async room(): Promise<void> {
    while (this.#taken > this.#limits.connections) {
      this.#released ??= Promise.withResolvers();
      const cancel = this.#clock.after(retryMs, () => {
        this.evictOne();
        this.wake();
      });
      await this.#released.promise;
      cancel();
    }
  }

  /** Makes calls of {@link ConnectionSlots.room} check again for a free slot. */
  wake(): void {
    this.#released?.resolve();
    this.#released = undefined;
  }

  /**
   * Closes the connection that has waited longest for its client, idle connections first.
   *
   * @returns false if no connection can be evicted
   */
  evictOne(): boolean {
    return this.#evict(() => true);
  }

  #evict(matches: (client: string) => boolean): boolean {
    for (const wait of ["idle", "head"] as const) {
      for (const waiter of this.#timeouts.all(wait)) {
        if (!matches(waiter.client)) continue;
        if (wait === "head" && !this.#isLate(waiter)) break;
        this.#timeouts.end(wait, waiter);
        waiter.expire(wait);
        return true;
      }
    }
    return false;
  }

  #isLate({ waitsSince }: Waiter): boolean {
    return this.#clock.now() - waitsSince > graceShare * this.#limits.headMs;
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}

/** Returns the address, or the 64-bit network of an IPv6 address, since one owner has all of it. */
function groupOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  return ipv6Groups(address).slice(0, 4).join(":");
}
