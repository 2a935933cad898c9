/**
 * Holders: containers that do nothing but keep a network namespace without interfaces, for
 * functions with no network. Making such a namespace takes the engine more than a third of a cold
 * start; a spare one is kept ready instead. Instances of one function share a namespace (they share
 * a loopback), different functions never do.
 *
 * @module
 */

import { TaskSet } from "../../../base/async.ts";
import { logger } from "../../../base/log.ts";
import type { Container } from "../container/container.ts";
import { holderOptions } from "../container/options.ts";
import type { Engine } from "../engine/engine.ts";
import { holderImage, holderProgram } from "./image.ts";
import { startPauseContainer } from "./container.ts";

/** Holders that are kept ready for functions that have none. */
const spareHolders = 1;

const log = logger("runtime");

/** A holder and who uses it. */
interface Holder {
  readonly container: Container;
  users: number;
  /** True if it must not be used again. */
  broken: boolean;
}

/** The right to join a function's namespace; given back once when disposed. */
export interface NamespaceLease extends Disposable {
  /** The engine's network mode for it. */
  readonly network: string;
  /** Says that joining failed, or that what joined may still be there. */
  markBroken(): void;
}

/** Keeps spare holders and lends them to functions. */
export class Holders implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #nodeId: string;
  readonly #known: Map<string, Container>;
  readonly #spares: Holder[] = [];
  readonly #byFunction = new Map<string, Holder>();
  readonly #removals = new TaskSet();
  #filling: Promise<void> | undefined;
  #disposed = false;

  /**
   * No holder exists yet.
   *
   * @param engine where they will be
   * @param nodeId whose they are
   * @param known gets the containers that exist, so that they are not swept
   */
  constructor(engine: Engine, nodeId: string, known: Map<string, Container>) {
    this.#engine = engine;
    this.#nodeId = nodeId;
    this.#known = known;
  }

  /** How many are ready and unused. */
  get spares(): number {
    return this.#spares.length;
  }

  /**
   * A namespace for one more instance of a function.
   *
   * @param key the function's identity
   * @returns undefined if none is ready, and then the instance needs one of its own
   */
  lease(key: string): NamespaceLease | undefined {
    let holder = this.#byFunction.get(key);
    if (!holder || holder.broken) {
      holder = this.#spares.pop();
      if (!holder) return undefined;
      this.#byFunction.set(key, holder);
    }
    const held = holder;
    held.users++;
    let given = true;
    return {
      network: `container:${held.container.name}`,
      markBroken: () => {
        held.broken = true;
      },
      [Symbol.dispose]: () => {
        if (given) this.#giveBack(key, held);
        given = false;
      },
    };
  }

  /** Fills up the spares in the background; without effect where the engine does not answer. */
  refill(): void {
    if (this.#disposed || this.#filling || this.#spares.length >= spareHolders) return;
    this.#filling = this.#fill()
      .catch((error) => log.debug("No spare holder: {error}", { error: error.message }))
      .finally(() => this.#filling = undefined);
  }

  /** Resolves when the spares are filled, or could not be. */
  async filled(): Promise<void> {
    await this.#filling;
  }

  /** Removes all holders. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#filling;
    for (const holder of [...this.#spares.splice(0), ...this.#byFunction.values()]) {
      this.#remove(holder);
    }
    await this.#removals.settled();
  }

  #giveBack(key: string, holder: Holder): void {
    if (--holder.users > 0) return;
    if (this.#byFunction.get(key) === holder) this.#byFunction.delete(key);
    // The namespace has no process left but the holder's: as good as new.
    if (this.#disposed || holder.broken || this.#spares.length >= spareHolders) {
      this.#remove(holder);
    } else {
      this.#spares.push(holder);
    }
  }

  #remove(holder: Holder): void {
    const { container } = holder;
    void this.#removals.add(
      container[Symbol.asyncDispose]().finally(() => this.#known.delete(container.name)),
    );
  }

  async #fill(): Promise<void> {
    while (!this.#disposed && this.#spares.length < spareHolders) {
      const holder = await this.#start();
      if (this.#disposed || this.#spares.length >= spareHolders) this.#remove(holder);
      else this.#spares.push(holder);
    }
  }

  async #start(): Promise<Holder> {
    const options = holderOptions(holderImage, holderProgram, this.#nodeId);
    const container = await startPauseContainer(this.#engine, this.#known, "holder", options);
    return { container, users: 0, broken: false };
  }
}
