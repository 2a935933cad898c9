/**
 * All environments of a node as one: each function runs in the environment of its runtime.
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
import { genericSandboxes, genericSandboxId } from "./sandbox/spec.ts";

/** The environments by what they run. */
export interface EnvironmentsOptions {
  /** The node's runtimes. */
  readonly config: Pick<Config, "runtimes" | "sandbox.generic">;
  /** Runs functions in containers. */
  readonly containers: ExecutionEnvironment;
  /** Opens the environment of sandboxes; called once, when first needed. */
  readonly openSandboxes: () => Promise<ExecutionEnvironment>;
}

/** Routes each function to the environment of its runtime. Disposing it disposes them. */
export class Environments implements ExecutionEnvironment {
  readonly #options: EnvironmentsOptions;
  #sandboxes: Promise<ExecutionEnvironment> | undefined;
  #opened: ExecutionEnvironment | undefined;

  /** @param options the environments, and which runtime is for which */
  constructor(options: EnvironmentsOptions) {
    this.#options = options;
  }

  /** See {@link ExecutionEnvironment.prepare}. */
  async prepare(fn: FunctionRecord, options?: { refresh?: boolean }): Promise<void> {
    await (await this.#of(fn)).prepare(fn, options);
  }

  /** See {@link ExecutionEnvironment.start}. */
  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    return await (await this.#of(fn)).start(fn, signal);
  }

  /** See {@link ExecutionEnvironment.architectures}. */
  async architectures(fn: FunctionRecord): Promise<string[]> {
    return await (await this.#of(fn)).architectures(fn);
  }

  /** See {@link ExecutionEnvironment.sweep}: of containers; sandboxes sweep when they open. */
  sweep(): Promise<number> {
    return this.#options.containers.sweep();
  }

  /** See {@link ExecutionEnvironment.follow}. */
  follow(name: string, fn: FunctionRecord | undefined): void {
    const { containers } = this.#options;
    const sandboxed = fn !== undefined && this.#isSandboxed(fn);
    containers.follow?.(name, sandboxed ? undefined : fn);
    if (sandboxed) {
      // If that fails, the first start reports why.
      this.#openSandboxes().then((sandboxes) => sandboxes.follow?.(name, fn), () => {});
    } else this.#opened?.follow?.(name, undefined);
  }

  /** See {@link ExecutionEnvironment.generic}. */
  generic(fn: FunctionRecord): GenericKind | undefined {
    const { config, containers } = this.#options;
    return this.#isSandboxed(fn)
      ? genericSandboxes(config["sandbox.generic"])
      : containers.generic?.(fn);
  }

  /** See {@link ExecutionEnvironment.startGeneric}. */
  async startGeneric(
    kind: GenericKind,
    signal: AbortSignal,
  ): Promise<GenericInstance | undefined> {
    const { containers } = this.#options;
    const environment = kind.id === genericSandboxId ? await this.#openSandboxes() : containers;
    return await environment.startGeneric?.(kind, signal);
  }

  /** See {@link ExecutionEnvironment.pulls}. */
  pulls(): Pull[] {
    return this.#options.containers.pulls?.() ?? [];
  }

  /** See {@link ExecutionEnvironment.available}: of containers; sandboxes are always there. */
  available(): Promise<true | string> {
    return this.#options.containers.available();
  }

  /** Disposes all that were opened. */
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
