/**
 * Bounds how long connections wait for their client. One sweep serves all of them: a timer for each
 * request would cost more than the rest of it.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ServerLimits } from "./limits.ts";

/** What a connection waits for its client to do. */
export type Wait = "idle" | "head" | "body" | "send" | "linger";

/** A connection that waits. */
export interface Waiter {
  /** Address of the client. */
  readonly client: string;
  /** Since when, in time of the sweeps; `Infinity` puts it off. */
  waitsSince: number;
  /** Ends the wait, since it has lasted too long. */
  expire(wait: Wait): void;
}

/** Interval of sweeps: a share of the shortest bound, and its maximum, ms. */
const sweepShare = 0.25;
const maxSweepMs = 1_000;

/** All connections that wait, the longest waits first. */
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
   * @param clock sets the timer of the sweeps
   * @param limits the longest waits
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
   * Begins a wait.
   *
   * @param waiter in no other wait
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

  /** The connections in one kind of wait, the longest waits first. */
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
        // Those behind it have waited less.
        if (waiter.waitsSince > before) break;
        waiters.delete(waiter);
        waiter.expire(wait);
      }
      isEmpty &&= waiters.size === 0;
    }
    // The expired one may have started another wait.
    if (!isEmpty && !this.#stop) this.#arm();
  }

  /** Forgets all connections. */
  [Symbol.dispose](): void {
    this.#stop?.();
    for (const waiters of Object.values(this.#sets)) waiters.clear();
  }
}
