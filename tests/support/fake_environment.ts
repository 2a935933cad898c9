/**
 * An execution environment whose starts, calls and removals end when the test says so.
 *
 * @module
 */

import { ServerledgeError } from "../../lib/base/errors.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import type { Call, ExecutionEnvironment, Instance, Reply } from "../../lib/runtime/environment.ts";

/** One promise that the test settles. */
interface Pending<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** An instance whose calls end when the test says so. */
export class FakeInstance implements Instance {
  readonly id: string;
  readonly tier = "full";
  readonly calls: Map<string, Pending<Reply>> = new Map();
  readonly cancelled: string[] = [];
  disposed = false;
  readonly lost: Promise<ServerledgeError>;
  #lose: (error: ServerledgeError) => void;
  readonly #environment: FakeEnvironment;

  constructor(id: string, environment: FakeEnvironment) {
    this.id = id;
    this.#environment = environment;
    const { promise, resolve } = Promise.withResolvers<ServerledgeError>();
    this.lost = promise;
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

  logs(): Promise<string> {
    return Promise.resolve("");
  }

  /** Ends one call, by default the one that has run longest. */
  reply(reply: Partial<Reply> = {}, id: string = this.calls.keys().next().value!): void {
    const call = this.calls.get(id)!;
    this.calls.delete(id);
    call.resolve({ ok: true, result: "null", output: "", ...reply } as Reply);
  }

  /** Dies with all its calls. */
  crash(): void {
    const error = new ServerledgeError("FUNCTION_CRASHED", "killed");
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
    this.#lose(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#environment.slowRemovals) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#environment.removals.push(resolve);
      await promise;
    }
    this.disposed = true;
    for (const call of this.calls.values()) {
      call.reject(new ServerledgeError("FUNCTION_CRASHED", "removed"));
    }
    this.calls.clear();
  }
}

/** Makes instances when the test says so, or at once. */
export class FakeEnvironment implements ExecutionEnvironment {
  /** Starts that wait for the test, in order. */
  readonly starts: Pending<Instance>[] = [];
  /** Removals that wait for the test, in order. */
  readonly removals: (() => void)[] = [];
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

  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
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
    const instance = new FakeInstance(`${fn.Name}-${this.made.length}`, this);
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
  const name = fields.Name ?? "f";
  return {
    Name: name,
    Runtime: "python",
    MemoryMB: 100,
    CPUDemand: 0,
    MaxConcurrency: 1,
    Handler: "f.handler",
    CustomImage: "",
    SupportedArchs: ["amd64", "arm64"],
    Signature: null,
    TimeoutMs: 0,
    Env: {},
    Network: "none",
    Locality: "any",
    MinInstances: 0,
    CodeHash: "",
    Version: `${name}-1`,
    ...fields,
  };
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}
