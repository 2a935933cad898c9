/**
 * The spares of a node: as many of each runtime as the configuration says, once there is a function
 * that one can become; made ready again in the background after use.
 *
 * @module
 */

import { TaskSet } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import type { SpareBudget } from "../environment.ts";
import { BackOff } from "./back_off.ts";
import type { Images } from "./images/images.ts";
import type { Site } from "./site.ts";
import { Spare, spareMemory, type SpareRuntime } from "./spare.ts";

/**
 * How long after a start the spares are filled up, ms: what was started has its first call to do,
 * and making a spare takes a core for a while.
 */
const refillDelayMs = 50;

const log = logger("runtime");

/** A spare and its booking, from before it is started until it is gone or taken. */
interface Slot {
  readonly booking: Disposable;
  readonly abort: AbortController;
  /** The start; never rejects. */
  started: Promise<Spare | undefined>;
}

/** The spares of one runtime. */
interface Shelf {
  readonly runtime: SpareRuntime;
  /** Functions that they can become. */
  readonly functions: Set<string>;
  /** Oldest first. */
  readonly ready: { readonly slot: Slot; readonly spare: Spare }[];
  starting: Slot | undefined;
  readonly backOff: BackOff;
}

/** A spare that is on no shelf any more. */
export interface TakenSpare {
  /** The spare. */
  readonly spare: Spare;
  /** Its memory; given back when disposed. */
  readonly booking: Disposable;
  /** Puts it back. */
  putBack(): void;
  /** Says how it served; a failure keeps its runtime without spares for a while. */
  ended(well: boolean): void;
}

/** What they are made with. */
export interface SparesOptions {
  /** Where they are. */
  readonly site: Site;
  /** Which images are there. */
  readonly images: Images;
  /** Gives memory for them. */
  readonly budget: SpareBudget;
  /** Folder for their code folders; there is nothing else in it. */
  readonly folders: string;
}

/** Keeps spares ready. */
export class Spares implements AsyncDisposable {
  readonly #options: SparesOptions;
  readonly #shelves = new Map<string, Shelf>();
  readonly #removals = new TaskSet();
  readonly #timers = new Set<number>();
  #filling: Promise<void> | undefined;
  #again = false;
  #soon: number | undefined;
  #disposed = false;

  /**
   * No spares yet.
   *
   * @param options what they are made with
   */
  constructor(options: SparesOptions) {
    this.#options = options;
    options.budget.onMemoryFreed(() => this.refillSoon());
  }

  /** Spares that are ready, by runtime; runtimes that are to have some and have none are there. */
  get counts(): Record<string, number> {
    const wanted = [...this.#shelves].filter(([, { functions }]) => functions.size > 0);
    return Object.fromEntries(wanted.map(([id, { ready }]) => [id, ready.length]));
  }

  /**
   * A function that spares can become was created, or is no more.
   *
   * @param name its name
   * @param runtime its runtime; undefined if there is no such function (any more)
   */
  follow(name: string, runtime: SpareRuntime | undefined): void {
    for (const shelf of this.#shelves.values()) {
      if (shelf.runtime.id === runtime?.id || !shelf.functions.delete(name)) continue;
      if (shelf.functions.size === 0) this.drop(shelf.runtime.id);
    }
    if (!runtime) return;
    let shelf = this.#shelves.get(runtime.id);
    if (!shelf) {
      shelf = {
        runtime,
        functions: new Set(),
        ready: [],
        starting: undefined,
        backOff: new BackOff(),
      };
      this.#shelves.set(runtime.id, shelf);
    }
    shelf.functions.add(name);
    if (shelf.functions.size === 1) this.refillSoon();
  }

  /**
   * Takes a spare.
   *
   * @param runtime id of its runtime
   * @returns undefined if none is ready
   */
  take(runtime: string): TakenSpare | undefined {
    const shelf = this.#shelves.get(runtime);
    const taken = shelf?.ready.shift();
    if (!shelf || !taken) return undefined;
    return {
      spare: taken.spare,
      booking: taken.slot.booking,
      putBack: () => void shelf.ready.unshift(taken),
      ended: (well) => {
        if (well) shelf.backOff.succeeded();
        else this.#pause(shelf);
      },
    };
  }

  /**
   * Removes the spares of a runtime: they are of an old image, or nobody needs them.
   *
   * @param runtime its id
   */
  drop(runtime: string): void {
    const shelf = this.#shelves.get(runtime);
    if (!shelf) return;
    const slots = [...shelf.ready.splice(0).map(({ slot }) => slot), shelf.starting];
    for (const slot of slots) if (slot) void this.#remove(slot);
  }

  /** Fills up what lacks, a little later, in the background. */
  refillSoon(): void {
    if (this.#disposed || this.#soon !== undefined || !this.#lacking()) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.refill();
    }, refillDelayMs);
  }

  /** Fills up what lacks, in the background; without effect where the engine does not answer. */
  refill(): void {
    if (this.#disposed) return;
    this.#again = true;
    this.#filling ??= this.#fillAll().finally(() => {
      this.#filling = undefined;
      if (this.#again) this.refill(); // asked for as the last one ended
    });
  }

  /** Resolves when all that is wanted is there, or could not be made. For tests and benchmarks. */
  async filled(): Promise<void> {
    this.refill();
    await this.#filling;
  }

  /** Removes all spares. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#soon);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const id of this.#shelves.keys()) this.drop(id);
    await this.#filling;
    await this.#removals.settled();
  }

  /** A shelf that wants one more, now. */
  #lacking(except: ReadonlySet<Shelf> = new Set()): Shelf | undefined {
    const now = performance.now();
    return this.#shelves.values().find((shelf) =>
      shelf.functions.size > 0 && shelf.ready.length < shelf.runtime.spares &&
      !shelf.backOff.holds(now) && !except.has(shelf)
    );
  }

  async #fillAll(): Promise<void> {
    while (this.#again && !this.#disposed) {
      this.#again = false;
      const done = new Set<Shelf>();
      for (let shelf = this.#lacking(); shelf && !this.#disposed; shelf = this.#lacking(done)) {
        if (!await this.#add(shelf)) done.add(shelf);
      }
    }
  }

  /** @returns false if there is no use in trying again now */
  async #add(shelf: Shelf): Promise<boolean> {
    const { site, images, budget, folders } = this.#options;
    const { runtime } = shelf;
    // Never fetched for a spare: the first function that is started here does that.
    if (!await images.find(runtime.image).catch(() => undefined)) return false;
    const abort = new AbortController();
    const booking = budget.reserve(spareMemory(runtime), () => this.#evict(shelf, slot));
    if (!booking) return false;
    const started = Spare.start(site, runtime, folders, abort.signal).catch((error) => {
      if (abort.signal.aborted) return undefined;
      log.debug("No spare of {runtime}: {error}", { runtime: runtime.id, error: error.message });
      images.forget(runtime.image);
      this.#pause(shelf);
      return undefined;
    });
    const slot: Slot = { booking, abort, started };
    shelf.starting = slot;
    const spare = await started;
    shelf.starting = undefined;
    if (!spare || abort.signal.aborted || this.#disposed) {
      await this.#remove(slot);
      return false;
    }
    shelf.ready.push({ slot, spare });
    void spare.ended.then(() => this.#died(shelf, slot));
    return true;
  }

  async #evict(shelf: Shelf, slot: Slot): Promise<void> {
    if (!this.#unshelve(shelf, slot) && shelf.starting !== slot) return;
    this.#pause(shelf);
    await this.#remove(slot);
  }

  #died(shelf: Shelf, slot: Slot): void {
    if (!this.#unshelve(shelf, slot)) return; // taken, or being removed
    log.debug("A spare of {runtime} ended by itself", { runtime: shelf.runtime.id });
    this.#pause(shelf);
    void this.#remove(slot);
  }

  /** @returns false if it was not ready on the shelf */
  #unshelve(shelf: Shelf, slot: Slot): boolean {
    const at = shelf.ready.findIndex((one) => one.slot === slot);
    if (at >= 0) shelf.ready.splice(at, 1);
    return at >= 0;
  }

  /** Leaves a runtime without new spares for a while. */
  #pause(shelf: Shelf): void {
    if (this.#disposed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.refill();
    }, shelf.backOff.failed(performance.now()));
    this.#timers.add(timer);
  }

  #remove(slot: Slot): Promise<void> {
    slot.abort.abort(new ServerledgeError("CANCELLED", "The spare is not needed"));
    return this.#removals.add(
      slot.started
        .then((spare) => spare?.[Symbol.asyncDispose]())
        .finally(() => slot.booking[Symbol.dispose]()),
    );
  }
}
