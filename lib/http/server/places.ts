/**
 * Who may be connected: no more than there are descriptors for, and nobody takes them all.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ServerLimits } from "./limits.ts";
import type { Waiter, Waiting } from "./waiting.ts";

/** A head may be on its way: it has this share of its time before it makes way. */
const graceShare = 0.01;
/** How often is looked who could make way while nobody can, ms. */
const retryMs = 50;

/** Counts connections. Where there is no place left, who only waits makes way for who comes. */
export class Places {
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #waiting: Waiting;
  readonly #byGroup = new Map<string, number>();
  #taken = 0;
  #released: PromiseWithResolvers<void> | undefined;

  /**
   * All places are free.
   *
   * @param limits how many there are
   * @param waiting those that could make way
   * @param clock times how long it is waited for a place
   */
  constructor(limits: ServerLimits, waiting: Waiting, clock: Clock) {
    this.#clock = clock;
    this.#limits = limits;
    this.#waiting = waiting;
  }

  /**
   * Takes a place, if need be that of one that waits.
   *
   * @param client address of the client
   * @returns false if its address has all that it may have, each of them with something under way
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
   * Takes or gives back places that are nobody's.
   *
   * @param count how many; negative: they are given back
   */
  add(count: number): void {
    this.#taken += count;
    if (count < 0) this.wake();
    else if (this.#taken > this.#limits.connections) this.makeWay();
  }

  /**
   * Gives a place back.
   *
   * @param client who had it
   */
  release(client: string): void {
    const group = groupOf(client);
    const left = this.#byGroup.get(group)! - 1;
    if (left > 0) this.#byGroup.set(group, left);
    else this.#byGroup.delete(group);
    this.add(-1);
  }

  /** Waits until no more places are taken than there are. */
  async room(): Promise<void> {
    while (this.#taken > this.#limits.connections) {
      this.#released ??= Promise.withResolvers();
      const cancel = this.#clock.after(retryMs, () => {
        this.makeWay();
        this.wake();
      });
      await this.#released.promise;
      cancel();
    }
  }

  /** Wakes connections that wait for room, which then look again. */
  wake(): void {
    this.#released?.resolve();
    this.#released = undefined;
  }

  /**
   * Ends the connection that waits for its client longest, idle ones first.
   *
   * @returns false if none waits
   */
  makeWay(): boolean {
    return this.#evict(() => true);
  }

  #evict(isMeant: (client: string) => boolean): boolean {
    for (const wait of ["idle", "head"] as const) {
      for (const waiter of this.#waiting.all(wait)) {
        if (!isMeant(waiter.client)) continue;
        if (wait === "head" && !this.#isLate(waiter)) break;
        this.#waiting.end(wait, waiter);
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

/** Who has one IPv6 address has its whole network of 64 bits. */
function groupOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const head = before.split(":").filter((part) => part !== "");
  const tail = after?.split(":").filter((part) => part !== "") ?? [];
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array(zeros).fill("0"), ...tail].slice(0, 4).join(":");
}
