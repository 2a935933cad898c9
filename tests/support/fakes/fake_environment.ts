/**
 * An execution environment whose starts, calls and removals end when the test says so.
 *
 * @module
 */

import { ServerledgeError } from "../../../lib/base/errors.ts";
import type { FunctionRecord } from "../../../lib/model/function.ts";
import type { ColdTier } from "../../../lib/model/start_tier.ts";
import type {
  Call,
  ExecutionEnvironment,
  GenericInstance,
  GenericKind,
  Instance,
  Reply,
  Termination,
} from "../../../lib/runtime/environment.ts";

/** One promise that the test settles. */
interface Pending<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** An instance whose calls end when the test says so. */
export class FakeInstance implements Instance {
  readonly id: string;
  readonly memoryMib: number;
  readonly tier: ColdTier;
  readonly calls: Map<string, Pending<Reply>> = new Map();
  readonly cancelled: string[] = [];
  /** What calls under way have written. */
  written = "";
  disposed = false;
  readonly terminated: Promise<Termination>;
  #lose: (loss: Termination) => void;
  readonly #environment: FakeEnvironment;

  constructor(fn: FunctionRecord, tier: ColdTier, environment: FakeEnvironment) {
    this.id = `${fn.name}-${environment.made.length}`;
    this.memoryMib = fn.memoryMib;
    this.tier = tier;
    this.#environment = environment;
    const { promise, resolve } = Promise.withResolvers<Termination>();
    this.terminated = promise;
    this.#lose = resolve;
  }

  invoke(call: Call): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.calls.set(call.id, { resolve, reject });
    return promise;
  }

  cancel(callId: string): void {
    this.cancelled.push(callId);
  }

  output(callId: string): string {
    return this.calls.has(callId) ? this.written : "";
  }

  logs(): Promise<[]> {
    return Promise.resolve([]);
  }

  /** Ends one call, by default the one that has run longest. */
  reply(reply: Partial<Reply> = {}, id: string = this.calls.keys().next().value!): void {
    const call = this.calls.get(id)!;
    this.calls.delete(id);
    call.resolve({ ok: true, result: "null", output: "", ...reply } as Reply);
  }

  /** Dies with all its calls; why may take a while to be seen. */
  crash(seen: Promise<void> = Promise.resolve()): void {
    const error = new ServerledgeError("FUNCTION_CRASHED", "killed");
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
    this.#lose({ reason: seen.then(() => error) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#environment.removal();
    this.disposed = true;
    for (const call of this.calls.values()) {
      call.reject(new ServerledgeError("FUNCTION_CRASHED", "removed"));
    }
    this.calls.clear();
  }
}

/** Generic instance that ends when the test says so. */
export class FakeGeneric implements GenericInstance {
  readonly memoryMib: number;
  readonly ended: Promise<void>;
  /** Ends it by itself. */
  readonly end: () => void;
  readonly #environment: FakeEnvironment;

  constructor({ memoryMib }: GenericKind, environment: FakeEnvironment) {
    this.memoryMib = memoryMib;
    this.#environment = environment;
    ({ promise: this.ended, resolve: this.end } = Promise.withResolvers<void>());
    environment.generics.add(this);
  }

  async specialize(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    try {
      return await this.#environment.start(fn, signal, "generic");
    } finally {
      this.#environment.generics.delete(this);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#environment.generics.has(this)) return;
    await this.#environment.removal();
    this.#environment.generics.delete(this);
  }
}

/** Makes instances when the test says so, or at once. */
export class FakeEnvironment implements ExecutionEnvironment {
  /** Starts that wait for the test, in order. */
  readonly starts: Pending<Instance>[] = [];
  /** Removals that wait for the test, in order. */
  readonly removals: (() => void)[] = [];
  /** Generic instances that exist, taken ones and those that are being removed included. */
  readonly generics: Set<FakeGeneric> = new Set();
  /** Kind of generic instances, for functions that need as much memory; undefined: there are none. */
  genericKind: GenericKind | undefined;
  /** Reports that the generic instances of a kind are outdated. */
  outdate: (kind: GenericKind) => void = () => {};
  /** Every instance ever made. */
  readonly made: FakeInstance[] = [];
  slowStarts = true;
  slowRemovals = false;

  get living(): FakeInstance[] {
    return this.made.filter((instance) => !instance.disposed);
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async start(
    fn: FunctionRecord,
    signal: AbortSignal,
    tier: ColdTier = "full",
  ): Promise<Instance> {
    if (this.slowStarts) {
      const { promise, resolve, reject } = Promise.withResolvers<Instance | undefined>();
      const pending = { resolve: () => resolve(undefined), reject };
      this.starts.push(pending);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      await promise.finally(() => {
        const at = this.starts.indexOf(pending);
        if (at >= 0) this.starts.splice(at, 1);
      });
    }
    const instance = new FakeInstance(fn, tier, this);
    this.made.push(instance);
    return instance;
  }

  /** Lets the start that waits longest succeed. */
  finishStart(): void {
    this.starts[0]?.resolve(undefined as unknown as Instance);
  }

  /** Lets the start that waits longest fail. */
  failStart(): void {
    this.starts[0]?.reject(new ServerledgeError("INSTANCE_START_FAILED", "no image"));
  }

  /** Memory of all instances, generic ones included. */
  get memoryMib(): number {
    return [...this.living, ...this.generics]
      .reduce((sum, { memoryMib }) => sum + memoryMib, 0);
  }

  generic({ memoryMib }: FunctionRecord): GenericKind | undefined {
    return this.genericKind && this.genericKind.memoryMib <= memoryMib
      ? this.genericKind
      : undefined;
  }

  startGeneric(kind: GenericKind): Promise<GenericInstance> {
    return Promise.resolve(new FakeGeneric(kind, this));
  }

  onOutdated(listener: (kind: GenericKind) => void): void {
    this.outdate = listener;
  }

  /** Waits for the test, if removals are slow. */
  async removal(): Promise<void> {
    if (!this.slowRemovals) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.removals.push(resolve);
    await promise;
  }

  architectures(): Promise<string[]> {
    return Promise.resolve(["amd64"]);
  }

  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  available(): Promise<true | string> {
    return Promise.resolve(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A function record with defaults. */
export function fakeRecord(fields: Partial<FunctionRecord> = {}): FunctionRecord {
  const name = fields.name ?? "f";
  return {
    name,
    runtime: "python",
    memoryMib: 100,
    cpu: 0,
    maxConcurrency: 1,
    handler: "f.handler",
    customImage: "",
    architectures: ["amd64", "arm64"],
    signature: null,
    timeoutMs: 0,
    env: {},
    network: "none",
    locality: "any",
    invokes: [],
    secrets: [],
    minInstances: 0,
    codeHash: "",
    version: `${name}-1`,
    ...fields,
  };
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}
