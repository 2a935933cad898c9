/**
 * Slots for connections: no more than there are descriptors for, and no address takes them all.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ServerLimits } from "./limits.ts";
import type { ClientTimeouts, Waiter } from "./client_timeouts.ts";

/** Share of its time that a head has to arrive before its connection can be evicted. */
const graceShare = 0.01;
/** Interval of attempts to evict a connection while all are busy, ms. */
const retryMs = 50;

/** Counts connections. Without a free slot, a connection without a request is evicted for a new one. */
export class ConnectionSlots {
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #timeouts: ClientTimeouts;
  readonly #byGroup = new Map<string, number>();
  #taken = 0;
  #released: PromiseWithResolvers<void> | undefined;

  /**
   * @param limits how many there are
   * @param timeouts connections that could be evicted
   * @param clock times attempts to evict
   */
  constructor(limits: ServerLimits, timeouts: ClientTimeouts, clock: Clock) {
    this.#clock = clock;
    this.#limits = limits;
    this.#timeouts = timeouts;
  }

  /**
   * Takes a slot, evicting a connection if there is none.
   *
   * @param client address of the client
   * @returns false if its address has all slots that it may have, and all are busy
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
   * Takes or gives back slots that belong to no client.
   *
   * @param count how many; negative: they are given back
   */
  add(count: number): void {
    this.#taken += count;
    if (count < 0) this.wake();
    else if (this.#taken > this.#limits.connections) this.evictOne();
  }

  /** Gives a slot back. */
  release(client: string): void {
    const group = groupOf(client);
    const left = this.#byGroup.get(group)! - 1;
    if (left > 0) this.#byGroup.set(group, left);
    else this.#byGroup.delete(group);
    this.add(-1);
  }

  /** Waits until no more slots are taken than there are. */
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

  /** Wakes connections that wait for a slot, which then try again. */
  wake(): void {
    this.#released?.resolve();
    this.#released = undefined;
  }

  /**
   * Ends the connection that has waited longest for its client, idle ones first.
   *
   * @returns false if none waits
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

/** Owners of an IPv6 address own its whole 64-bit network. */
function groupOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const head = before.split(":").filter((part) => part !== "");
  const tail = after?.split(":").filter((part) => part !== "") ?? [];
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array(zeros).fill("0"), ...tail].slice(0, 4).join(":");
}
