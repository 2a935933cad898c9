/**
 * Execution environment that combines all environments of a node: each function runs in the environment
 * of its runtime.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { findRuntime } from "../config/config.ts";
import type { FunctionRecord } from "../model/function.ts";
import { isSandboxed } from "./kinds/kinds.ts";
import type {
  ExecutionEnvironment,
  GenericInstance,
  GenericKind,
  Instance,
  Pull,
} from "./environment.ts";
import { genericSandboxes } from "./sandbox/spec.ts";

/** Environments of a node, and the runtimes that determine which one runs a function. */
export interface EnvironmentsOptions {
  /** The node's runtimes. */
  readonly config: Pick<Config, "runtimes" | "sandbox.generic">;
  /** Environment of containers. */
  readonly containers: ExecutionEnvironment;
  /** Opens the environment of sandboxes. Called at its first use, and again only after a failure. */
  readonly openSandboxes: () => Promise<ExecutionEnvironment>;
}

/** Environment that routes each function to the one of its runtime. Disposing it disposes all of them. */
export class Environments implements ExecutionEnvironment {
  readonly #options: EnvironmentsOptions;
  #sandboxes: Promise<ExecutionEnvironment> | undefined;
  #opened: ExecutionEnvironment | undefined;

  /**
   * Combines environments into one.
   *
   * @param options environments and runtimes
   */
  constructor(options: EnvironmentsOptions) {
    this.#options = options;
  }

  /** Prepares starts of a function in its environment. */
  async prepare(fn: FunctionRecord, options?: { refresh?: boolean }): Promise<void> {
    await (await this.#of(fn)).prepare(fn, options);
  }

  /** Starts an instance in the environment of the function's runtime. */
  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    return await (await this.#of(fn)).start(fn, signal);
  }

  /** Returns the architectures that the function is known to run on. */
  async architectures(fn: FunctionRecord): Promise<string[]> {
    return await (await this.#of(fn)).architectures(fn);
  }

  /** Removes orphaned containers; orphaned sandboxes are removed when sandboxes are opened. */
  sweep(): Promise<number> {
    return this.#options.containers.sweep();
  }

  /** Passes the change of a function to its environment, and its deletion to all. */
  follow(name: string, fn: FunctionRecord | undefined): void {
    const { containers } = this.#options;
    const sandboxed = fn !== undefined && this.#isSandboxed(fn);
    containers.follow?.(name, sandboxed ? undefined : fn);
    if (sandboxed) {
      // If opening fails, the first start reports the reason.
      this.#openSandboxes().then((sandboxes) => sandboxes.follow?.(name, fn), () => {});
    } else this.#opened?.follow?.(name, undefined);
  }

  /** Returns the kind of generic instances for a function, if there is one. */
  generic(fn: FunctionRecord): GenericKind | undefined {
    const { config, containers } = this.#options;
    return this.#isSandboxed(fn)
      ? genericSandboxes(config["sandbox.generic"])
      : containers.generic?.(fn);
  }

  /** Starts a generic instance in the environment of its kind. */
  async startGeneric(
    kind: GenericKind,
    signal: AbortSignal,
  ): Promise<GenericInstance | undefined> {
    const { containers } = this.#options;
    const environment = kind.place === "sandbox" ? await this.#openSandboxes() : containers;
    return await environment.startGeneric?.(kind, signal);
  }

  /** Sets the listener for outdated generic containers; sandboxes have no image. */
  onOutdated(listener: (kind: GenericKind) => void): void {
    this.#options.containers.onOutdated?.(listener);
  }

  /** Returns the images that are being pulled. */
  pulls(): Pull[] {
    return this.#options.containers.pulls?.() ?? [];
  }

  /** Returns true if containers can be started now, otherwise the reason; sandboxes always can. */
  available(): Promise<true | string> {
    return this.#options.containers.available();
  }

  /** Disposes all environments that were opened. */
  async [Symbol.asyncDispose](): Promise<void> {
    const sandboxes = await this.#sandboxes?.catch(() => undefined);
    await Promise.all([
      this.#options.containers[Symbol.asyncDispose](),
      sandboxes?.[Symbol.asyncDispose](),
    ]);
  }

  #of(fn: FunctionRecord): Promise<ExecutionEnvironment> {
    if (!this.#isSandboxed(fn)) return Promise.resolve(this.#options.containers);
    return this.#openSandboxes();
  }

  #openSandboxes(): Promise<ExecutionEnvironment> {
    this.#sandboxes ??= this.#options.openSandboxes().then(
      (opened) => this.#opened = opened,
      (error) => {
        this.#sandboxes = undefined;
        throw error;
      },
    );
    return this.#sandboxes;
  }

  #isSandboxed(fn: FunctionRecord): boolean {
    const runtime = findRuntime(this.#options.config, fn.runtime);
    return runtime !== undefined && isSandboxed(runtime.executor);
  }
}
