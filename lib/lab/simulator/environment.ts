/**
 * Simulated execution environment: starts and executions only take time on the virtual clock.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { Params } from "../../model/params.ts";
import type {
  Call,
  ExecutionEnvironment,
  Instance,
  Reply,
  Termination,
} from "../../runtime/environment.ts";
import { gamma, type Random } from "./distributions.ts";
import type { SimFunctions } from "./functions.ts";

/** Parameters of a simulated request. */
export interface Work extends Params {
  /** Execution time as a multiple of the function's mean. */
  work: number;
  /** Size, bytes. */
  bytes: number;
  /** Id of the node of arrival. */
  origin: string;
  /** Index of its class in the tally. */
  qos: number;
  /** Time of arrival, ms. */
  arrivedAt: number;
  /** Whether an execution was started. */
  ran: boolean;
}

/** Dependencies of an environment. */
export interface SimEnvironmentOptions {
  /** The simulation's clock. */
  readonly clock: Clock;
  /** Models of the functions. */
  readonly functions: SimFunctions;
  /** Speed of the node, by which execution times are divided. */
  readonly speed: number;
  /** Source of randomness for start times. */
  readonly random: Random;
  /** Receives each execution with its duration, ms, including interrupted ones. */
  readonly executed: (record: FunctionRecord, work: Work, ms: number) => void;
}

const done: Reply = { ok: true, result: "null", output: "" };
const stopped: Reply = {
  ok: false,
  failure: { type: "Interrupted", message: "cancelled", traceback: "" },
  output: "",
};

/** Simulated execution environment. */
export class SimEnvironment implements ExecutionEnvironment {
  readonly #options: SimEnvironmentOptions;
  #count = 0;
  /** Current factor of execution times. */
  slowness = 1;

  /** Creates an environment without instances. */
  constructor(options: SimEnvironmentOptions) {
    this.#options = options;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    const { clock, functions, random } = this.#options;
    const { meanMs, scv } = functions.model(fn.name).start;
    const { promise, resolve, reject } = Promise.withResolvers<Instance>();
    clock.after(meanMs * gamma(random, scv), () => {
      if (signal.aborted) {
        reject(new ServerledgeError("INSTANCE_START_FAILED", "The start was cancelled"));
      } else resolve(new SimInstance(`${fn.name}-${this.#count++}`, fn, this));
    });
    return promise;
  }

  /** Starts an execution, for instances. @returns a function that cancels it */
  run(record: FunctionRecord, work: Work, ended: (reply: Reply) => void): () => void {
    const { clock, functions, speed, executed } = this.#options;
    const from = clock.now();
    const ms = functions.meanMs(record.name) * work.work * this.slowness / speed;
    const end = (reply: Reply) => {
      executed(record, work, clock.now() - from);
      ended(reply);
    };
    const cancel = clock.after(ms, () => end(done));
    return () => {
      cancel();
      end(stopped);
    };
  }

  architectures(): Promise<string[]> {
    return Promise.resolve([]);
  }

  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  available(): Promise<true> {
    return Promise.resolve(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class SimInstance implements Instance {
  readonly id: string;
  readonly tier = "full";
  readonly #record: FunctionRecord;
  readonly #environment: SimEnvironment;
  readonly #calls = new Map<string, () => void>();
  /** Never resolves: simulated instances do not crash by themselves. */
  readonly terminated: Promise<Termination> = new Promise(() => {});

  constructor(id: string, record: FunctionRecord, environment: SimEnvironment) {
    this.id = id;
    this.#record = record;
    this.#environment = environment;
  }

  invoke({ id, params }: Call): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const stop = this.#environment.run(this.#record, params as Work, (reply) => {
      this.#calls.delete(id);
      resolve(reply);
    });
    this.#calls.set(id, stop);
    return promise;
  }

  cancel(callId: string): void {
    this.#calls.get(callId)?.();
  }

  output(): string {
    return "";
  }

  logs(): Promise<[]> {
    return Promise.resolve([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
