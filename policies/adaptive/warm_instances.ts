/**
 * Model of a peer's warm instances: a cache of its memory that requests of this node fill, with eviction
 * of the least recently used function.
 *
 * @module
 */

/** Maximum number of functions per node. */
const maxFunctions = 500;

/** Modelled instances of one function. */
interface FunctionInstances {
  /** In-flight requests from this node. */
  inFlight: number;
  /** Estimated number of instances. */
  instances: number;
  memoryMib: number;
}

/** Modelled instances of one peer. */
export class WarmInstanceModel {
  /** By name, least recently used first. */
  readonly #functions = new Map<string, FunctionInstances>();
  /** Largest available memory reported so far, MiB. */
  #memoryMib = 0;
  #inFlight = 0;
  #sentAt = -Infinity;

  /**
   * Corrects the model by a status of the node.
   *
   * @param fn name of a function
   * @param warm whether the node reports an idle instance of it
   * @param availableMib memory that no busy instance holds
   * @param reportedAt time of the status, ms
   */
  recordStatus(fn: string, warm: boolean, availableMib: number, reportedAt: number): void {
    if (Number.isFinite(availableMib)) this.#memoryMib = Math.max(this.#memoryMib, availableMib);
    const entry = this.#functions.get(fn);
    if (!entry) return;
    if (warm) entry.instances = Math.max(entry.instances, entry.inFlight + 1);
    // With nothing in flight at that time, the status is exact.
    else if (this.#inFlight === 0 && this.#sentAt < reportedAt) entry.instances = 0;
  }

  /**
   * Share of the node's memory in use.
   *
   * @param availableMib memory that no busy instance holds
   */
  busyShare(availableMib: number): number {
    return this.#memoryMib > 0 ? Math.max(0, 1 - availableMib / this.#memoryMib) : 0;
  }

  /** Whether the model has an instance that no request of this node uses. */
  hasIdle(fn: string): boolean {
    const entry = this.#functions.get(fn);
    return entry !== undefined && entry.inFlight < entry.instances;
  }

  /** Records that a request was sent. */
  recordSent(fn: string, memoryMib: number, now: number): void {
    const entry = this.#use(fn, memoryMib);
    entry.inFlight++;
    this.#inFlight++;
    this.#sentAt = now;
  }

  /** Records that a request came back. */
  recordReturned(fn: string): void {
    const entry = this.#functions.get(fn);
    if (!entry || entry.inFlight === 0) return;
    entry.inFlight--;
    this.#inFlight--;
  }

  /**
   * Records that a request was executed.
   *
   * @param expected whether an idle instance was expected
   * @param started whether an instance was started
   */
  recordServed(fn: string, memoryMib: number, expected: boolean, started: boolean): void {
    const entry = this.#use(fn, memoryMib);
    const used = entry.inFlight + 1;
    entry.instances = expected && started ? used : Math.max(entry.instances, used);
    this.#evict(entry);
  }

  #use(fn: string, memoryMib: number): FunctionInstances {
    let entry = this.#functions.get(fn);
    if (entry) this.#functions.delete(fn);
    else {
      if (this.#functions.size >= maxFunctions) {
        this.#functions.delete(this.#functions.keys().next().value!);
      }
      entry = { inFlight: 0, instances: 0, memoryMib };
    }
    this.#functions.set(fn, entry);
    entry.memoryMib = memoryMib;
    return entry;
  }

  /** Evicts idle instances that exceed the memory, except of the function used last. */
  #evict(newest: FunctionInstances): void {
    if (this.#memoryMib === 0) return;
    let held = 0;
    for (const { instances, memoryMib } of this.#functions.values()) held += instances * memoryMib;
    for (const entry of this.#functions.values()) {
      while (held > this.#memoryMib && entry !== newest && entry.instances > entry.inFlight) {
        entry.instances--;
        held -= entry.memoryMib;
      }
    }
  }
}
