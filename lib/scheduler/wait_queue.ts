/**
 * The queue of requests that wait for an instance. Classes share the node by weight (stride
 * scheduling, Waldspurger 1995), and none starves. Within a class, the earliest deadline is first
 * (EDF).
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { QosClass } from "../model/qos.ts";

/** A queued request. */
export interface Waiter {
  readonly record: FunctionRecord;
  readonly qosClass: QosClass;
  /** Breaks ties between equal deadlines. */
  readonly arrivedAt: number;
  /** Response deadline; may be infinite. */
  readonly answerBy: number;
  /** True if resources for its instance were available; the request then does not count as queued. */
  readonly startsInstance: boolean;
}

/** The requests for one version of a function, by class, each list by deadline. */
type ClassQueues<W> = Map<QosClass, W[]>;

/** Queued requests by function version. */
export class WaitQueue<W extends Waiter> {
  readonly #byVersion = new Map<string, ClassQueues<W>>();
  /** Service received by each class, divided by its weight; the class with the least is next. */
  readonly #passes = new Map<QosClass, number>();
  /** Pass of the class served last: a class that was idle does not catch up. */
  #virtualTime = 0;
  #size = 0;
  #starting = 0;

  /** Number of queued requests, including those that wait for a start. */
  get size(): number {
    return this.#size;
  }

  /** Number of requests that wait for resources, without those that wait for a start. */
  get queued(): number {
    return this.#size - this.#starting;
  }

  /** Number of requests for one version of a function. */
  count(version: string): number {
    let count = 0;
    for (const list of this.#byVersion.get(version)?.values() ?? []) count += list.length;
    return count;
  }

  /** Returns the next request for a version of a function. */
  first(version: string): W | undefined {
    let first: W | undefined;
    for (const [head] of this.#byVersion.get(version)?.values() ?? []) {
      if (!first || this.#compare(head!, first) < 0) first = head;
    }
    return first;
  }

  /**
   * Returns the number of requests for the same function version that would be served before a newcomer:
   * those of its class with earlier deadlines, and as many of other classes as their weights allow in
   * the meantime.
   *
   * @param newcomer a request that is not in the queue
   */
  ahead(newcomer: Waiter): number {
    const { record: { version }, qosClass } = newcomer;
    const queues = this.#byVersion.get(version);
    if (!queues) return 0;
    const own = insertionIndex(newcomer, queues.get(qosClass) ?? []);
    const turn = this.#passOf(qosClass) + own / qosClass.weight;
    let ahead = own;
    for (const [other, list] of queues) {
      if (other === qosClass) continue;
      const passing = Math.ceil((turn - this.#passes.get(other)!) * other.weight);
      ahead += Math.min(list.length, Math.max(0, passing));
    }
    return ahead;
  }

  /** Returns the next request of each function, in order of service. */
  heads(): W[] {
    const heads = [...this.#byVersion.keys()].map((version) => this.first(version)!);
    return heads.sort((a, b) => this.#compare(a, b));
  }

  /** Returns all requests for a version of a function. */
  all(version: string): W[] {
    return [...this.#byVersion.get(version)?.values() ?? []].flat();
  }

  /** Adds a request, after those of its class with an earlier deadline. */
  add(waiter: W): void {
    const { record: { version }, qosClass } = waiter;
    let queues = this.#byVersion.get(version);
    if (!queues) this.#byVersion.set(version, queues = new Map());
    const list = queues.get(qosClass);
    if (!list) queues.set(qosClass, [waiter]);
    else list.splice(insertionIndex(waiter, list), 0, waiter);
    this.#passes.set(qosClass, this.#passOf(qosClass));
    this.#size++;
    if (waiter.startsInstance) this.#starting++;
  }

  /** Removes a request that is served now, and charges its class. */
  dequeue(waiter: W): void {
    if (!this.remove(waiter)) return;
    const pass = this.#passes.get(waiter.qosClass)!;
    this.#virtualTime = Math.max(this.#virtualTime, pass);
    this.#passes.set(waiter.qosClass, pass + 1 / waiter.qosClass.weight);
  }

  /**
   * Removes a request without serving it.
   *
   * @returns false if it was not in the queue
   */
  remove(waiter: W): boolean {
    const { record: { version }, qosClass } = waiter;
    const queues = this.#byVersion.get(version);
    const list = queues?.get(qosClass);
    const at = list?.indexOf(waiter) ?? -1;
    if (!queues || !list || at < 0) return false;
    list.splice(at, 1);
    if (list.length === 0) queues.delete(qosClass);
    if (queues.size === 0) this.#byVersion.delete(version);
    this.#size--;
    if (waiter.startsInstance) this.#starting--;
    return true;
  }

  /** Returns the pass of a class if one of its requests arrives now. */
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

/** Returns the index at which a request is inserted, which is the end for most requests. */
function insertionIndex(waiter: Waiter, list: readonly Waiter[]): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = high === list.length ? high - 1 : (low + high) >> 1;
    if (compareUrgency(list[middle]!, waiter) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
