/**
 * The solver HiGHS (https://highs.dev) in a worker; its 4 MiB are imported on demand.
 *
 * The worker's source is a `data:` URL of the package's source and `solver_worker.js`, the only form that
 * a bundled and compiled program can start: it has neither files nor `blob:` modules.
 *
 * @module
 */

import highsSource from "highs" with { type: "text" };
import wasmBytes from "highs/runtime" with { type: "bytes" };
import workerSource from "./solver_worker.js" with { type: "text" };

/** Starts the worker, which answers each linear program with a {@link SolverResponse}. */
export async function startHighs(): Promise<Worker> {
  const wasm = await WebAssembly.compile(wasmBytes);
  const source = encodeURIComponent(`${highsSource}\n${workerSource}`);
  const worker = new Worker(`data:text/javascript,${source}`, { type: "module" });
  worker.postMessage({ wasm });
  return worker;
}

/** Response of the worker: the values of the variables, or why there are none. */
export type SolverResponse =
  | { readonly solution: readonly number[] }
  | { readonly problem: string };
