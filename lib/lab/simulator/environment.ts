/**
 * An execution environment whose instances take their time by the clock of a simulation and do
 * nothing else.
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
  Loss,
  Reply,
} from "../../runtime/environment.ts";
import { gamma, type Random } from "./distributions.ts";
import type { SimFunctions } from "./functions.ts";

/** What a simulated request carries as its parameters. */
export interface Work extends Params {
  /** Its execution, as a multiple of the function's mean. */
  work: number;
  /** Its size, bytes. */
  bytes: number;
  /** Node at which it arrived. */
  origin: string;
  /** Index of its class in the tally. */
  qos: number;
  /** When it arrived, ms. */
  arrivedAt: number;
  /** Whether it was run, be it to its end or not. */
  ran: boolean;
}

/** What an environment works with. */
export interface SimEnvironmentOptions {
  /** The simulation's clock. */
  readonly clock: Clock;
  /** How long functions take. */
  readonly functions: SimFunctions;
  /** Speed of the node; executions take their time divided by it. */
  readonly speed: number;
  /** Chance of start times. */
  readonly random: Random;
  /** Hears what ran, for how long, ms; also of what was interrupted. */
  readonly executed: (record: FunctionRecord, work: Work, ms: number) => void;
}

const done: Reply = { ok: true, result: "null", output: "" };
const stopped: Reply = {
  ok: false,
  failure: { type: "Interrupted", message: "told to stop", traceback: "" },
  output: "",
};

/** Makes simulated instances. */
export class SimEnvironment implements ExecutionEnvironment {
  readonly #options: SimEnvironmentOptions;
  #made = 0;
  /** Executions take that much longer now. */
  slowness = 1;

  /** An environment without instances. */
  constructor(options: SimEnvironmentOptions) {
    this.#options = options;
  }

  /** See {@link ExecutionEnvironment}. Nothing to prepare. */
  prepare(): Promise<void> {
    return Promise.resolve();
  }

  /** See {@link ExecutionEnvironment}. */
  start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    const { clock, functions, random } = this.#options;
    const { meanMs, scv } = functions.model(fn.name).start;
    const { promise, resolve, reject } = Promise.withResolvers<Instance>();
    clock.after(meanMs * gamma(random, scv), () => {
      if (signal.aborted) {
        reject(new ServerledgeError("INSTANCE_START_FAILED", "The start was given up"));
      } else resolve(new SimInstance(`${fn.name}-${this.#made++}`, fn, this));
    });
    return promise;
  }

  /** Runs one execution. @returns ends it early; for instances only */
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

  /** See {@link ExecutionEnvironment}. Runs on any. */
  architectures(): Promise<string[]> {
    return Promise.resolve([]);
  }

  /** See {@link ExecutionEnvironment}. */
  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  /** See {@link ExecutionEnvironment}. */
  available(): Promise<true> {
    return Promise.resolve(true);
  }

  /** See {@link ExecutionEnvironment}. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

class SimInstance implements Instance {
  readonly id: string;
  readonly tier = "full";
  readonly #record: FunctionRecord;
  readonly #environment: SimEnvironment;
  readonly #calls = new Map<string, () => void>();
  /** Never resolves: no simulated instance dies by itself. */
  readonly lost: Promise<Loss> = new Promise(() => {});

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
