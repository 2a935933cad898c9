/**
 * The promise to serve a share of each class, as a bonus for whatever serves it: the one with which
 * that share of the last requests would have been worth serving. It is the dual variable of that
 * constraint, estimated from samples; what was missed is made up.
 *
 * @module
 */

import type { QosClass } from "../../lib/model/qos.ts";
import { Book } from "./forgetting.ts";

/** How many of the last requests count. */
const window = 200;
/** After so many requests the bonus is computed anew. */
const refreshEvery = 10;
/** Over how many requests is made up what was missed. */
const balance = 200;
/** How many requests may be in arrears, and how many served ahead of what was promised. */
const bounds = { arrears: 200, ahead: 50 };
/** Largest share that is aimed at. */
const mostShare = 0.98;
/** Those at the margin are served. */
const marginal = 1.02;

/** What is known of one class. */
interface Account {
  /** Bonuses that the last requests would have needed. */
  readonly needed: number[];
  next: number;
  fresh: number;
  /** Requests that were served too few. */
  arrears: number;
  bonus: number;
}

/** Bonuses of classes. */
export class Promises {
  readonly #accounts = new Book<string, Account>(
    () => ({ needed: [], next: 0, fresh: 0, arrears: 0, bonus: 0 }),
  );

  /** What serving a request of a class is worth beyond its utility. */
  bonus({ name, completion }: QosClass): number {
    return completion > 0 ? this.#accounts.of(name).bonus : 0;
  }

  /** Bonuses by class. */
  *bonuses(): Generator<{ class: string; bonus: number }> {
    for (const [name, { bonus }] of this.#accounts.entries) yield { class: name, bonus };
  }

  /**
   * A request came.
   *
   * @param needed bonus from which on it would be worth serving; 0 or less: without one
   */
  considered({ name, completion }: QosClass, needed: number): void {
    if (completion <= 0) return;
    const account = this.#accounts.of(name);
    account.needed[account.next] = needed;
    account.next = (account.next + 1) % window;
    if (++account.fresh >= refreshEvery) refresh(account, completion);
  }

  /**
   * A request has ended.
   *
   * @param served how likely it was run, 0 to 1
   */
  settled({ name, completion }: QosClass, served: number): void {
    if (completion <= 0) return;
    const account = this.#accounts.of(name);
    const arrears = account.arrears + completion - served;
    account.arrears = Math.max(-bounds.ahead, Math.min(bounds.arrears, arrears));
  }
}

function refresh(account: Account, completion: number): void {
  account.fresh = 0;
  const share = Math.min(mostShare, Math.max(0, completion + account.arrears / balance));
  const sorted = account.needed.toSorted((a, b) => a - b);
  account.bonus = Math.max(0, marginal * sorted[Math.floor(share * sorted.length)]!);
}
