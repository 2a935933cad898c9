/**
 * Instance of a function in a sandbox.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import type { FunctionRecord } from "../../model/function.ts";
import type { ColdTier } from "../../model/start_tier.ts";
import type { OutputSink } from "../wire/call_output.ts";
import type { ExecutorConnection } from "../wire/channel.ts";
import type { Call, Instance, Reply, Termination } from "../environment.ts";
import type { Confinement } from "./limits/limits.ts";
import { crashOf, type SandboxProcess } from "./process.ts";

/** Number of log lines in the error of a crash. */
const crashLogLines = 20;

/** Components of an instance. */
export interface SandboxParts {
  readonly process: SandboxProcess;
  readonly connection: ExecutorConnection;
  /** Resource limits of the process. */
  readonly confinement: Confinement;
  /** Stores the output of the function. */
  readonly output: OutputSink;
  /** Disposes all resources of the instance. */
  readonly cleanup: AsyncDisposableStack;
}

/** Instance in a sandbox. */
export class SandboxInstance implements Instance {
  readonly id: string;
  readonly tier: ColdTier;
  readonly terminated: Promise<Termination>;
  readonly #fn: FunctionRecord;
  readonly #parts: SandboxParts;
  #disposing = false;
  #disposed: Promise<void> | undefined;

  /**
   * Creates an instance whose function is loaded, and watches its process.
   *
   * @param tier kind of cold start
   * @param parts components, owned by the instance from now on
   */
  constructor(fn: FunctionRecord, tier: ColdTier, parts: SandboxParts) {
    this.id = `sandbox-${parts.process.pid}`;
    this.tier = tier;
    this.#fn = fn;
    this.#parts = parts;
    const { connection, process } = parts;
    connection.explainTermination = () => this.#loss();
    connection.listen((id, text) => parts.output(fn.name, id, text));
    process.listen((text) => parts.output(fn.name, null, text));
    // A process that closes its connection or violates the protocol is useless.
    void connection.closed.then(() => process.signal("SIGKILL"));
    this.terminated = new Promise((resolve) => {
      void Promise.race([connection.closed, process.ended]).then(() => {
        connection[Symbol.dispose]();
        if (!this.#disposing) resolve({ reason: this.#loss() });
      });
    });
  }

  invoke(call: Call): Promise<Reply> {
    this.#parts.confinement.resume();
    return this.#parts.connection.invoke(call);
  }

  cancel(callId: string): void {
    this.#parts.connection.cancel(callId);
  }

  output(callId: string): string {
    return this.#parts.connection.output(callId);
  }

  /** Implements {@link Instance.logs}. Returns nothing, because output is reported as it is written. */
  logs(): Promise<[]> {
    return Promise.resolve([]);
  }

  /** Ends the process. Running calls fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing = true;
    this.#disposed ??= this.#parts.cleanup.disposeAsync();
    return this.#disposed;
  }

  async #loss(): Promise<ServerledgeError> {
    if (this.#disposing) {
      return new ServerledgeError(
        "FUNCTION_CRASHED",
        "The function's instance was removed before it responded",
      );
    }
    const { process, connection } = this.#parts;
    const end = await process.ended;
    if (connection.isBroken) {
      return new ServerledgeError(
        "FUNCTION_CRASHED",
        "The function's instance was terminated because it sent an invalid message to the node",
      );
    }
    return crashOf(end, this.#fn.memoryMib, process.log(crashLogLines));
  }
}
