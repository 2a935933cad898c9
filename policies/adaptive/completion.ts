/**
 * Completion constraints of QoS classes as bonuses for their requests. A bonus is the dual variable of the
 * constraint: the least one with which the required share of the last requests would have been worth
 * serving. Shortfalls are made up for later.
 *
 * @module
 */

import type { QosClass } from "../../lib/model/qos.ts";
import { BoundedMap } from "./fading.ts";

/** Number of requests considered. */
const window = 200;
/** Number of requests between two updates of a bonus. */
const refreshEvery = 10;
/** Number of requests over which a shortfall is made up. */
const balance = 200;
/** Bounds of the shortfall and of the surplus, requests. */
const bounds = { shortfall: 200, surplus: 50 };
/** Largest target share. */
const mostShare = 0.98;
/** Factor that lets requests at the margin be served. */
const marginal = 1.02;

/** State of one class. */
interface Constraint {
  /** Bonuses at which the last requests would have broken even. */
  readonly needed: number[];
  next: number;
  fresh: number;
  /** Requests served too few. */
  shortfall: number;
  bonus: number;
}

/** Bonuses by class. */
export class CompletionConstraints {
  readonly #constraints = new BoundedMap<string, Constraint>(
    () => ({ needed: [], next: 0, fresh: 0, shortfall: 0, bonus: 0 }),
  );

  /** Bonus for serving a request of a class. */
  bonus({ name, completion }: QosClass): number {
    return completion > 0 ? this.#constraints.of(name).bonus : 0;
  }

  /** Yields the bonuses of all classes. */
  *bonuses(): Generator<{ class: string; bonus: number }> {
    for (const [name, { bonus }] of this.#constraints.entries) yield { class: name, bonus };
  }

  /**
   * Records the bonus at which a request breaks even.
   *
   * @param needed the bonus; 0 or less if the request needs none
   */
  recordNeeded({ name, completion }: QosClass, needed: number): void {
    if (completion <= 0) return;
    const constraint = this.#constraints.of(name);
    constraint.needed[constraint.next] = needed;
    constraint.next = (constraint.next + 1) % window;
    if (++constraint.fresh >= refreshEvery) refresh(constraint, completion);
  }

  /**
   * Records whether a request was served.
   *
   * @param served probability that it was, 0 to 1
   */
  recordOutcome({ name, completion }: QosClass, served: number): void {
    if (completion <= 0) return;
    const constraint = this.#constraints.of(name);
    const shortfall = constraint.shortfall + completion - served;
    constraint.shortfall = Math.max(-bounds.surplus, Math.min(bounds.shortfall, shortfall));
  }
}

function refresh(constraint: Constraint, completion: number): void {
  constraint.fresh = 0;
  const share = Math.min(mostShare, Math.max(0, completion + constraint.shortfall / balance));
  const sorted = constraint.needed.toSorted((a, b) => a - b);
  constraint.bonus = Math.max(0, marginal * sorted[Math.floor(share * sorted.length)]!);
}
