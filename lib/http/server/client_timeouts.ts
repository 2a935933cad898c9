/**
 * Timeouts of connections that wait for their client. One periodic sweep checks all connections,
 * since a timer for each request would cost more than the rest of its processing.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ServerLimits } from "./limits.ts";

/** Reason why a connection waits for its client. */
export type Wait = "idle" | "head" | "body" | "send" | "linger";

/** Connection that waits for its client. */
export interface Waiter {
  /** Address of the client. */
  readonly client: string;
  /** Start of the wait, in time of the sweeps; `Infinity` suspends the timeout. */
  waitsSince: number;
  /** Ends the wait, since it has lasted too long. */
  expire(wait: Wait): void;
}

/** Interval of sweeps: share of the shortest timeout, and maximum, ms. */
const sweepShare = 0.25;
const maxSweepMs = 1_000;

/** Set of all connections that wait for their client, the longest wait first. */
export class ClientTimeouts {
  readonly #clock: Clock;
  readonly #bounds: Readonly<Record<Wait, number>>;
  readonly #sweepMs: number;
  readonly #sets: Readonly<Record<Wait, Set<Waiter>>> = {
    idle: new Set(),
    head: new Set(),
    body: new Set(),
    send: new Set(),
    linger: new Set(),
  };
  #now = 0;
  #stop: (() => void) | undefined;

  /**
   * Creates an empty set. The first connection that waits starts the sweeps.
   *
   * @param clock sets the timer of the sweeps
   * @param limits timeouts
   */
  constructor(clock: Clock, limits: ServerLimits) {
    this.#clock = clock;
    this.#bounds = {
      idle: limits.idleMs,
      head: limits.headMs,
      body: limits.bodyMs,
      send: limits.sendMs,
      linger: limits.lingerMs,
    };
    this.#sweepMs = Math.min(maxSweepMs, sweepShare * Math.min(...Object.values(this.#bounds)));
  }

  /** Time of the last sweep, ms. */
  get now(): number {
    return this.#now;
  }

  /**
   * Starts a wait.
   *
   * @param waiter connection that is in no other wait
   */
  begin(wait: Wait, waiter: Waiter): void {
    if (!this.#stop) this.#arm();
    waiter.waitsSince = this.#now;
    this.#sets[wait].add(waiter);
  }

  /** Ends a wait. */
  end(wait: Wait, waiter: Waiter): void {
    this.#sets[wait].delete(waiter);
  }

  /** Returns the connections in one kind of wait, the longest wait first. */
  all(wait: Wait): ReadonlySet<Waiter> {
    return this.#sets[wait];
  }

  #arm(): void {
    this.#now = this.#clock.now();
    this.#stop = this.#clock.after(this.#sweepMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#stop = undefined;
    this.#now = this.#clock.now();
    let isEmpty = true;
    for (const [wait, waiters] of Object.entries(this.#sets) as [Wait, Set<Waiter>][]) {
      const before = this.#now - this.#bounds[wait];
      for (const waiter of waiters) {
        // The following connections have waited for less time.
        if (waiter.waitsSince > before) break;
        waiters.delete(waiter);
        waiter.expire(wait);
      }
      isEmpty &&= waiters.size === 0;
    }
    // An expired connection may have started another wait.
    if (!isEmpty && !this.#stop) this.#arm();
  }

  /** Removes all connections and stops the sweeps. */
  [Symbol.dispose](): void {
    this.#stop?.();
    for (const waiters of Object.values(this.#sets)) waiters.clear();
  }
}
