/**
 * Network namespaces without interfaces, for functions without network. Each is held by a pause
 * container. Its creation takes the engine more than a third of a cold start, so one is kept ready.
 * Instances of one function share a namespace and its loopback interface; different functions never do.
 *
 * @module
 */

import { logger } from "../../../base/log.ts";
import { StandbyPool } from "../../../base/standby_pool.ts";
import type { Container } from "../container/container.ts";
import { pauseOptions } from "../container/options.ts";
import type { Engine } from "../engine/engine.ts";
import { startPauseContainer } from "./container.ts";
import { pauseImage, pauseProgram } from "./image.ts";

/** Number of namespaces that are kept ready. */
const standbySize = 1;

const log = logger("runtime");

/** Namespace with the number of instances that use it. */
class Namespace implements AsyncDisposable {
  users = 0;
  /** True if the namespace must not be used again. */
  isBroken = false;

  constructor(readonly container: Container, private readonly known: Map<string, Container>) {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.container[Symbol.asyncDispose]();
    this.known.delete(this.container.name);
  }
}

/** Right of an instance to join a function's namespace. Disposing it returns it once. */
export interface NamespaceLease extends Disposable {
  /** Network mode of the engine for the namespace. */
  readonly network: string;
  /** Records that joining failed, or that the joined container may still exist. */
  markBroken(): void;
}

/** Namespaces of the functions of a node. */
export class Namespaces implements AsyncDisposable {
  readonly #standby: StandbyPool<Namespace>;
  readonly #byFunction = new Map<string, Namespace>();

  /**
   * Creates an empty set. The first refill starts a pause container.
   *
   * @param engine engine that runs the pause containers
   * @param known map of existing containers, which are excluded from sweeps
   */
  constructor(engine: Engine, nodeId: string, known: Map<string, Container>) {
    const options = pauseOptions(pauseImage, pauseProgram, nodeId);
    this.#standby = new StandbyPool({
      size: () => standbySize,
      start: async () =>
        new Namespace(await startPauseContainer(engine, known, "pause", options), known),
      onFailure: (message) => log.debug("Standby network namespace {message}", { message }),
    });
  }

  /**
   * Leases the namespace of a function for one more instance.
   *
   * @param key identity of the function
   * @returns undefined if none is ready, and the instance needs its own namespace
   */
  lease(key: string): NamespaceLease | undefined {
    let namespace = this.#byFunction.get(key);
    if (!namespace || namespace.isBroken) {
      namespace = this.#standby.take();
      if (!namespace) return undefined;
      this.#byFunction.set(key, namespace);
    }
    const leased = namespace;
    leased.users++;
    let isHeld = true;
    return {
      network: `container:${leased.container.name}`,
      markBroken: () => {
        leased.isBroken = true;
      },
      [Symbol.dispose]: () => {
        if (isHeld) this.#return(key, leased);
        isHeld = false;
      },
    };
  }

  /** Starts missing namespaces in the background. This has no effect if the engine does not respond. */
  refill(): void {
    this.#standby.refill();
  }

  /** Resolves when the namespaces are ready or could not be started. */
  async filled(): Promise<void> {
    await this.#standby.filled();
  }

  /** Removes all namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#standby[Symbol.asyncDispose]();
    await Promise.all([...this.#byFunction.values()].map((one) => one[Symbol.asyncDispose]()));
  }

  #return(key: string, namespace: Namespace): void {
    if (--namespace.users > 0) return;
    if (this.#byFunction.get(key) === namespace) this.#byFunction.delete(key);
    // Only the pause process remains, so another function may use the namespace, unless it is broken.
    this.#standby[namespace.isBroken ? "discard" : "add"](namespace);
  }
}
