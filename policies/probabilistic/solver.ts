/**
 * Linear programs solved off the event loop, in a worker that starts with the first one: its start
 * holds the event loop for 20 ms, its work does not.
 *
 * @module
 */

import { ServerledgeError } from "../../lib/base/errors.ts";
import type { SolverAnswer } from "./highs.ts";
import type { LinearProgram, LinearSolver } from "./linear_program.ts";

/** Longest time for one program, the worker's start included, ms. */
const timeoutMs = 5000;

/** Solves with HiGHS in a worker, one program at a time. */
export class WorkerSolver implements LinearSolver {
  #worker: Worker | undefined;
  #abandon: (() => void) | undefined;
  #disposed = false;

  /** See {@link LinearSolver}. */
  async solve(program: LinearProgram): Promise<readonly number[]> {
    const answer = await this.#ask(await this.#start(), program);
    if ("solution" in answer) return answer.solution;
    // Whatever ails the worker, the next program gets a new one.
    this.#stop();
    throw new ServerledgeError(
      "INTERNAL",
      `The solver ended with ${answer.problem}; the former plan stays`,
    );
  }

  /** Ends the worker; a program that it solves fails. */
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

  #ask(worker: Worker, program: LinearProgram): Promise<SolverAnswer> {
    const { promise, resolve } = Promise.withResolvers<SolverAnswer>();
    const timer = setTimeout(
      () => resolve({ problem: `no answer in ${timeoutMs} ms` }),
      timeoutMs,
    );
    this.#abandon = () => resolve({ problem: "its end" });
    worker.onmessage = ({ data }: MessageEvent<SolverAnswer>) => resolve(data);
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
