/**
 * The solver HiGHS (https://highs.dev) as a worker: 4 MiB that are imported when they are needed.
 *
 * The worker's source is a `data:` URL made of the package's source and of `solver_worker.js`: the
 * only form that a bundled and compiled program can start, which has neither files beside it nor
 * `blob:` modules.
 *
 * @module
 */

import highsSource from "highs" with { type: "text" };
import wasmBytes from "highs/runtime" with { type: "bytes" };
import workerSource from "./solver_worker.js" with { type: "text" };

/** Starts the worker. It takes linear programs and answers each with a {@link SolverAnswer}. */
export async function startHighs(): Promise<Worker> {
  const wasm = await WebAssembly.compile(wasmBytes);
  const source = encodeURIComponent(`${highsSource}\n${workerSource}`);
  const worker = new Worker(`data:text/javascript,${source}`, { type: "module" });
  worker.postMessage({ wasm });
  return worker;
}

/** What the worker answers: the values of the variables, or why there are none. */
export type SolverAnswer =
  | { readonly solution: readonly number[] }
  | { readonly problem: string };
