/**
 * Sandbox, from the start of its process until its function is loaded.
 *
 * @module
 */

import { withTimeout } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import { ExecutorEndpoint } from "../wire/endpoint.ts";
import type { ResultMemory } from "../wire/result_memory.ts";
import type { Confinement, ResourceLimits } from "./limits/limits.ts";
import { crashOf, SandboxProcess } from "./process.ts";
import type { SandboxFolder } from "./folder.ts";
import type { Owner } from "./limits/cgroups.ts";
import { sandboxMode, type SandboxSpec } from "./spec.ts";

/** Time limit for a new process to connect; slow boards under load need seconds. */
const connectTimeoutMs = 30_000;
/** Number of log lines in the error of a failed start. */
const startLogLines = 20;

/**
 * Maximum free memory at the end of the allocator's heap, bytes (mallopt(3), M_TRIM_THRESHOLD). The value is
 * the default. Once set, it no longer grows with released memory, which would leave 1 MiB after the start of
 * a process.
 */
const trimThreshold = 128 << 10;

/** Dependencies of a sandbox. */
export interface SandboxPlace {
  /** Folder and program of sandboxes. */
  readonly folder: SandboxFolder;
  readonly limits: ResourceLimits;
  /** The process of the node, whose ids are visible in the machine's process list. */
  readonly owner: Owner;
  /** Memory budget of results. */
  readonly results: ResultMemory;
}

/** Sandbox. Disposing it ends its process. */
export class Sandbox implements AsyncDisposable {
  /** Process of the sandbox. */
  readonly process: SandboxProcess;
  readonly #confining: Promise<Confinement>;
  #confinement: Confinement | undefined;
  readonly #endpoint: ExecutorEndpoint;
  #connection: ExecutorConnection | undefined;
  #disposed: Promise<void> | undefined;

  private constructor(process: SandboxProcess, endpoint: ExecutorEndpoint, limits: ResourceLimits) {
    this.process = process;
    this.#endpoint = endpoint;
    this.#confining = limits.confine(process).then((made) => this.#confinement = made);
  }

  /**
   * Starts a sandbox without a function.
   *
   * @throws `INSTANCE_START_FAILED`
   */
  static start({ folder, limits, owner, results }: SandboxPlace): Sandbox {
    const token = randomId();
    const socket = folder.newSocket();
    const endpoint = ExecutorEndpoint.open({ path: socket, token, results });
    try {
      const env = {
        SERVERLEDGE_SOCKET: socket,
        SERVERLEDGE_TOKEN: token,
        MALLOC_TRIM_THRESHOLD_: String(trimThreshold),
      };
      return new Sandbox(
        SandboxProcess.start(folder.program, [sandboxMode, owner.nodeId, owner.process], env),
        endpoint,
        limits,
      );
    } catch (error) {
      endpoint[Symbol.dispose]();
      throw error;
    }
  }

  /** Connection to the sandbox; available once it is connected. */
  get connection(): ExecutorConnection {
    return this.#connection!;
  }

  /** Confinement of the sandbox; available once it is connected. */
  get confinement(): Confinement {
    return this.#confinement!;
  }

  /**
   * Resolves when a function can be loaded into the sandbox.
   *
   * @throws `INSTANCE_START_FAILED` if the sandbox ends before, or takes too long
   */
  async connected(): Promise<void> {
    const ended = this.process.ended.then((end) => {
      throw this.#failure(`exited with status ${end.code} before it was ready`);
    });
    const connected = this.#endpoint.connected.then((connection) => {
      this.#connection = connection;
      connection.callPipe = this.process.callPipe;
      this.process.follow((output) => connection.follow(output));
      connection.explainTermination = async () => crashOf(await this.process.ended, 0, this.#log());
    });
    const ready = Promise.all([connected, this.#confining]);
    await withTimeout(Promise.race([ready, ended]), connectTimeoutMs, () => {
      throw this.#failure(
        `was not ready within ${connectTimeoutMs / 1000} s: the machine may be overloaded`,
      );
    });
  }

  /**
   * Loads a function into the sandbox.
   *
   * @param timeoutMs time limit, ms
   * @throws `FUNCTION_ERROR` if the function's code fails, `FUNCTION_CRASHED` if the code ends the sandbox,
   *   `INSTANCE_START_FAILED` if loading takes too long
   */
  async load(spec: SandboxSpec, timeoutMs: number): Promise<void> {
    const { connection, process } = this;
    connection.explainTermination = async () => {
      process.signal("SIGKILL");
      return crashOf(await process.ended, spec.memoryMib, this.#log());
    };
    void process.ended.then(() => connection[Symbol.dispose]());
    const reply = await withTimeout(connection.load(spec), timeoutMs, () => {
      throw this.#failure(`did not load the function's code within ${timeoutMs / 1000} s`);
    });
    if (reply.ok) return;
    const { type, message, traceback } = reply.failure;
    throw new ServerledgeError(
      "FUNCTION_ERROR",
      `Cannot load the function's code: ${message ? `${type}: ${message}` : type}`,
      { details: { error: { type, message }, traceback, output: this.#log() } },
    );
  }

  /** Ends the sandbox. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    this.#endpoint[Symbol.dispose]();
    await this.process[Symbol.asyncDispose]();
    // A control group can be removed only after its process has ended.
    await (await this.#confining)[Symbol.asyncDispose]();
  }

  #failure(what: string): ServerledgeError {
    return new ServerledgeError("INSTANCE_START_FAILED", `The sandbox ${what}`, {
      details: { output: this.#log() },
    });
  }

  #log(): string {
    return this.process.log(startLogLines);
  }
}
