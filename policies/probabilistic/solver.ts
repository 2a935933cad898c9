/**
 * Solver of linear programs in a worker, which starts with the first program: the start blocks the event
 * loop for 20 ms, solving does not.
 *
 * @module
 */

import { ServerledgeError } from "../../lib/base/errors.ts";
import type { SolverResponse } from "./highs.ts";
import type { LinearProgram, LinearSolver } from "./linear_program.ts";

/** Timeout for one program, including the start of the worker, ms. */
const timeoutMs = 5000;

/** Solves with HiGHS in a worker, one program at a time. */
export class WorkerSolver implements LinearSolver {
  #worker: Worker | undefined;
  #abandon: (() => void) | undefined;
  #disposed = false;

  /** Solves a program; after a failure the next one gets a new worker. */
  async solve(program: LinearProgram): Promise<readonly number[]> {
    const response = await this.#ask(await this.#start(), program);
    if ("solution" in response) return response.solution;
    this.#stop();
    throw new ServerledgeError(
      "INTERNAL",
      `The solver failed with ${response.problem}; the previous plan remains in effect`,
    );
  }

  /** Stops the worker; a program that is being solved fails. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#abandon?.();
    this.#stop();
  }

  async #start(): Promise<Worker> {
    if (!this.#worker && !this.#disposed) {
      const { startHighs } = await import("./highs.ts");
      this.#worker = await startHighs();
    }
    if (this.#disposed) this.#stop();
    if (this.#worker) return this.#worker;
    throw new ServerledgeError("INTERNAL", "The solver was stopped");
  }

  #ask(worker: Worker, program: LinearProgram): Promise<SolverResponse> {
    const { promise, resolve } = Promise.withResolvers<SolverResponse>();
    const timer = setTimeout(
      () => resolve({ problem: `no response within ${timeoutMs} ms` }),
      timeoutMs,
    );
    this.#abandon = () => resolve({ problem: "its end" });
    worker.onmessage = ({ data }: MessageEvent<SolverResponse>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve({ problem: event.message });
    };
    worker.postMessage({ program });
    return promise.finally(() => clearTimeout(timer));
  }

  #stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}
