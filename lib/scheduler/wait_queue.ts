/**
 * The requests that wait for an instance. Classes share the node by their weights (stride
 * scheduling, Waldspurger 1995), so that none starves; within a class the earliest deadline is
 * first (EDF).
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { QosClass } from "../model/qos.ts";

/** Something that waits. */
export interface Waiter {
  /** The function it waits for. */
  readonly record: FunctionRecord;
  /** Its class. */
  readonly qosClass: QosClass;
  /** When it arrived; of two with one deadline the earlier comes first. */
  readonly arrivedAt: number;
  /** When its answer becomes useless; may be infinite. */
  readonly answerBy: number;
  /** True if resources for an instance were there when it came: it does not count as queued. */
  readonly promised: boolean;
}

/** Those who wait for one version of a function: by class, each list by deadline. */
type Line<W> = Map<QosClass, W[]>;

/** Waiting requests by function version. */
export class WaitQueue<W extends Waiter> {
  readonly #lines = new Map<string, Line<W>>();
  /** Service that each class has had, in units of its weight; the least served comes first. */
  readonly #passes = new Map<QosClass, number>();
  /** Pass of the class served last: a class that comes back does not make up for its absence. */
  #virtualTime = 0;
  #size = 0;
  #promised = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** How many wait for resources, that is without those a start was promised to. */
  get queued(): number {
    return this.#size - this.#promised;
  }

  /** How many wait for one version of a function. */
  count(version: string): number {
    let count = 0;
    for (const list of this.#lines.get(version)?.values() ?? []) count += list.length;
    return count;
  }

  /** The one whose turn it is among those who wait for a version of a function. */
  first(version: string): W | undefined {
    let first: W | undefined;
    for (const [head] of this.#lines.get(version)?.values() ?? []) {
      if (!first || this.#compare(head!, first) < 0) first = head;
    }
    return first;
  }

  /**
   * How many of those who wait for the same version of a function would be served before a
   * newcomer: those of its class with earlier deadlines, and of each other class as many as its
   * weight lets pass until then.
   *
   * @param newcomer one that does not wait yet
   */
  ahead(newcomer: Waiter): number {
    const { record: { Version: version }, qosClass } = newcomer;
    const line = this.#lines.get(version);
    if (!line) return 0;
    const own = placeOf(newcomer, line.get(qosClass) ?? []);
    const turn = this.#passOf(qosClass) + own / qosClass.weight;
    let ahead = own;
    for (const [other, list] of line) {
      if (other === qosClass) continue;
      const passing = Math.ceil((turn - this.#passes.get(other)!) * other.weight);
      ahead += Math.min(list.length, Math.max(0, passing));
    }
    return ahead;
  }

  /** The first of each function, in the order of their turns. */
  heads(): W[] {
    const heads = [...this.#lines.keys()].map((version) => this.first(version)!);
    return heads.sort((a, b) => this.#compare(a, b));
  }

  /** All that wait for a version of a function. */
  all(version: string): W[] {
    return [...this.#lines.get(version)?.values() ?? []].flat();
  }

  /** Lets one wait. */
  add(waiter: W): void {
    const { record: { Version: version }, qosClass } = waiter;
    let line = this.#lines.get(version);
    if (!line) this.#lines.set(version, line = new Map());
    const list = line.get(qosClass);
    if (!list) line.set(qosClass, [waiter]);
    else list.splice(placeOf(waiter, list), 0, waiter);
    this.#passes.set(qosClass, this.#passOf(qosClass));
    this.#size++;
    if (waiter.promised) this.#promised++;
  }

  /** Takes one out because it is served now, which counts for its class. */
  take(waiter: W): void {
    if (!this.remove(waiter)) return;
    const pass = this.#passes.get(waiter.qosClass)!;
    this.#virtualTime = Math.max(this.#virtualTime, pass);
    this.#passes.set(waiter.qosClass, pass + 1 / waiter.qosClass.weight);
  }

  /**
   * Takes one out that gives up.
   *
   * @returns false if it did not wait
   */
  remove(waiter: W): boolean {
    const { record: { Version: version }, qosClass } = waiter;
    const line = this.#lines.get(version);
    const list = line?.get(qosClass);
    const at = list?.indexOf(waiter) ?? -1;
    if (!line || !list || at < 0) return false;
    list.splice(at, 1);
    if (list.length === 0) line.delete(qosClass);
    if (line.size === 0) this.#lines.delete(version);
    this.#size--;
    if (waiter.promised) this.#promised--;
    return true;
  }

  /** Service that a class counts with when one of its requests comes now. */
  #passOf(qosClass: QosClass): number {
    return Math.max(this.#passes.get(qosClass) ?? 0, this.#virtualTime);
  }

  #compare(a: W, b: W): number {
    const passes = a.qosClass === b.qosClass
      ? 0
      : this.#passes.get(a.qosClass)! - this.#passes.get(b.qosClass)!;
    return passes || compareUrgency(a, b);
  }
}

function compareUrgency(a: Waiter, b: Waiter): number {
  return a.answerBy === b.answerBy ? a.arrivedAt - b.arrivedAt : a.answerBy - b.answerBy;
}

/** Where a newcomer belongs; most belong at the end. */
function placeOf(waiter: Waiter, list: readonly Waiter[]): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = high === list.length ? high - 1 : (low + high) >> 1;
    if (compareUrgency(list[middle]!, waiter) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
