/**
 * The requests that wait for an instance, in order of arrival.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";

/** Something that waits. */
export interface Waiter {
  /** The function it waits for. */
  readonly record: FunctionRecord;
  /** When it arrived; earlier ones come first. */
  readonly arrivedAt: number;
  /** True if resources for an instance were there when it came: it does not count as queued. */
  readonly promised: boolean;
}

/** Waiting requests by function version, each function's in order of arrival. */
export class WaitQueue<W extends Waiter> {
  readonly #byVersion = new Map<string, Set<W>>();
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
    return this.#byVersion.get(version)?.size ?? 0;
  }

  /** The one that has waited longest for a version of a function. */
  first(version: string): W | undefined {
    return this.#byVersion.get(version)?.values().next().value;
  }

  /** The first of each function, longest waiting first. */
  heads(): W[] {
    const heads = [...this.#byVersion.keys()].map((version) => this.first(version)!);
    return heads.sort((a, b) => a.arrivedAt - b.arrivedAt);
  }

  /** All that wait for a version of a function, longest waiting first. */
  all(version: string): W[] {
    return [...this.#byVersion.get(version) ?? []];
  }

  /** Lets one wait. */
  add(waiter: W): void {
    const { Version: version } = waiter.record;
    let line = this.#byVersion.get(version);
    if (!line) this.#byVersion.set(version, line = new Set());
    line.add(waiter);
    this.#size++;
    if (waiter.promised) this.#promised++;
  }

  /**
   * Takes one out.
   *
   * @returns false if it did not wait
   */
  remove(waiter: W): boolean {
    const { Version: version } = waiter.record;
    const line = this.#byVersion.get(version);
    if (!line?.delete(waiter)) return false;
    if (line.size === 0) this.#byVersion.delete(version);
    this.#size--;
    if (waiter.promised) this.#promised--;
    return true;
  }
}
