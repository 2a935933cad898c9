/**
 * Linear programs solved by HiGHS (https://highs.dev), compiled to WebAssembly, off the event loop:
 * each in a worker that lives for this one program.
 *
 * The worker's source is a `data:` URL made of the package's source and of `solver_worker.js`: the
 * only form that a bundled and compiled program can start, which has neither files beside it nor
 * `blob:` modules.
 *
 * @module
 */

import highsSource from "highs" with { type: "text" };
import wasmBytes from "highs/runtime" with { type: "bytes" };
import { ServerledgeError } from "../../lib/base/errors.ts";
import type { LinearProgram } from "./linear_program.ts";
import workerSource from "./solver_worker.js" with { type: "text" };

/** Longest time for one program, its worker's start included, ms. */
const timeoutMs = 5000;

/** What the worker answers. */
type Answer = { readonly solution: readonly number[] } | { readonly problem: string };

/**
 * Solves a linear program.
 *
 * @param program the program
 * @returns the value of each variable at an optimum
 * @throws `INTERNAL` if there is none, or it was not found in time
 */
export async function solveInWorker(program: LinearProgram): Promise<readonly number[]> {
  const wasm = await WebAssembly.compile(wasmBytes);
  const worker = new Worker(workerUrl, { type: "module" });
  let timer: number | undefined;
  try {
    const answer = await new Promise<Answer>((resolve) => {
      timer = setTimeout(() => resolve({ problem: `no answer in ${timeoutMs} ms` }), timeoutMs);
      worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve({ problem: event.message });
      };
      worker.postMessage({ wasm, program });
    });
    if ("solution" in answer) return answer.solution;
    throw new ServerledgeError(
      "INTERNAL",
      `Cannot plan, the former plan stays: the solver ended with ${answer.problem}`,
    );
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

const workerUrl = `data:text/javascript,${encodeURIComponent(`${highsSource}\n${workerSource}`)}`;
