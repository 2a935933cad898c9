/**
 * Calling convention of a WebAssembly function: module file, export and form of the call.
 *
 * @module
 */

import type { HttpInterface } from "../model/function.ts";
import { maxWasmPages, type WasmModuleFacts, wasmPageBytes, type WasmSignature } from "./binary.ts";

/** Import module of WASI preview 1. */
export const wasiModule = "wasi_snapshot_preview1";

/** Default export of a handler. */
const defaultExport = "handler";
/** Export that allocates memory for params. */
const allocExport = "alloc";

/** Functions of WASI preview 1 (wasi_snapshot_preview1.witx) that modules may import. */
export const wasiFunctions: ReadonlySet<string> = new Set(
  ("args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise " +
    "fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights " +
    "fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_dir_name " +
    "fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write " +
    "path_create_directory path_filestat_get path_filestat_set_times path_link path_open " +
    "path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff " +
    "proc_exit proc_raise random_get sched_yield sock_accept sock_recv sock_send sock_shutdown")
    .split(" "),
);

/** Module and export of a handler. */
export interface WasmHandler {
  /** Path of the file in the code. */
  readonly path: string;
  /** Name of the export; empty if none is given. */
  readonly name: string;
}

/** Form of a call. */
export type WasmEntry =
  /** Command with `_start`: params on standard input and as argument, result on standard output. */
  | { readonly kind: "command" }
  /** `name(pointer, length)` of JSON returns pointer and length of JSON, packed in 64 bits. */
  | { readonly kind: "json"; readonly name: string }
  /** `name` with numeric parameters and results. */
  | { readonly kind: "numbers"; readonly name: string; readonly signature: WasmSignature };

/** Error: a module cannot be a function. The message is for its author. */
export class WasmRefusal extends Error {
  override readonly name = "WasmRefusal";
}

/**
 * Finds the module of a handler: `module.wasm`, `module`, `module.export` or `module.wasm.export`, optionally
 * with folders, or empty if the code has a single module.
 *
 * @param handler handler of the function's definition
 * @throws {WasmRefusal} if the code has no such module
 */
export function findWasmHandler(handler: string, paths: readonly string[]): WasmHandler {
  const modules = paths.filter((path) => path.endsWith(".wasm"));
  if (handler === "") {
    if (modules.length === 1) return { path: modules[0]!, name: "" };
    throw new WasmRefusal(
      modules.length === 0
        ? "the code has no .wasm file"
        : `set the handler to one of the modules: ${modules.join(", ")}`,
    );
  }
  const file = handler.replace(/^\.\//, "");
  const dot = file.lastIndexOf(".");
  const candidates = [{ path: file, name: "" }, { path: `${file}.wasm`, name: "" }];
  if (dot > 0) {
    const path = file.slice(0, dot);
    const name = file.slice(dot + 1);
    candidates.push({ path, name }, { path: `${path}.wasm`, name });
  }
  const found = candidates.find(({ path }) => paths.includes(path) && path.endsWith(".wasm"));
  if (found) return found;
  const known = modules.length > 0
    ? `its modules are ${modules.join(", ")}`
    : "it has no .wasm file";
  throw new WasmRefusal(
    `the code has no module for the handler ${JSON.stringify(handler)}: ${known}`,
  );
}

/** Requirements of a function on its module. */
export interface WasmDemand {
  /** Export of the handler; empty if none is given. */
  readonly name: string;
  /** Memory of an instance, MiB. */
  readonly memoryMib: number;
  /** True if the instance keeps its state between calls. */
  readonly stateful: boolean;
  /** Form of raw HTTP requests. */
  readonly http: HttpInterface;
}

/**
 * Checks that a module can be a function, and returns the form of its calls.
 *
 * @param facts properties of the module
 * @param demand requirements of the function
 * @throws {WasmRefusal} if the module cannot be a function
 */
export function planWasm(facts: WasmModuleFacts, demand: WasmDemand): WasmEntry {
  checkImports(facts);
  checkMemory(facts, demand.memoryMib);
  const entry = findEntry(facts, demand.name);
  if (entry.kind === "command" && demand.stateful) {
    throw new WasmRefusal(
      "a command runs from start to end for each invocation and cannot be stateful: build a reactor",
    );
  }
  if (entry.kind !== "command" && demand.http !== "event") {
    throw new WasmRefusal(
      `only commands support Http "${demand.http}", and the module exports no _start: ` +
        "build it with a main function",
    );
  }
  if (facts.memories.length === 0 && (entry.kind !== "numbers" || facts.imports.length > 0)) {
    throw new WasmRefusal(
      "the module has no memory, which is needed to pass anything except numbers",
    );
  }
  return entry;
}

/** Returns the maximum number of pages of a module's memory. */
export function wasmPageLimit(memoryMib: number): number {
  return Math.min(maxWasmPages, memoryMib * ((1 << 20) / wasmPageBytes));
}

function checkImports({ imports }: WasmModuleFacts): void {
  const unknown = imports.filter(({ module, name, kind }) =>
    module !== wasiModule || kind !== "function" || !wasiFunctions.has(name)
  );
  if (unknown.length === 0) return;
  const [first] = unknown;
  const names = unknown.slice(0, 3).map(({ module, name }) => `${module}.${name}`).join(", ");
  const more = unknown.length > 3 ? ` and ${unknown.length - 3} more` : "";
  const advice = first!.module === "wasi_unstable" || first!.module.startsWith("wasi:")
    ? "it was built for another version of WASI"
    : first!.kind === "memory"
    ? "let the module define its own memory (link without --import-memory)"
    : "link what defines them into the module";
  throw new WasmRefusal(
    `the module imports ${names}${more}, but only ${wasiModule} is provided: ${advice}`,
  );
}

function checkMemory({ memories }: WasmModuleFacts, memoryMib: number): void {
  const [memory] = memories;
  if (!memory) return;
  if (memories.length > 1) {
    throw new WasmRefusal("the module has several memories, but only one is supported");
  }
  if (memory.wide) throw new WasmRefusal("its memory has 64-bit addresses: build it for wasm32");
  if (memory.shared) throw new WasmRefusal("its memory is shared: build it without threads");
  const limit = wasmPageLimit(memoryMib);
  if (memory.initial <= limit) return;
  const needed = Math.ceil(memory.initial * wasmPageBytes / (1 << 20));
  throw new WasmRefusal(
    `its initial memory is ${needed} MiB, more than the function's ${memoryMib} MiB`,
  );
}

function findEntry({ exports }: WasmModuleFacts, wanted: string): WasmEntry {
  const isFunction = (name: string) => exports.get(name)?.kind === "function";
  const command = isFunction("_start");
  if (command && (wanted === "" || wanted === "_start")) return { kind: "command" };
  if (command) {
    throw new WasmRefusal(
      `the module is a command, whose export ${wanted} cannot be called: build a reactor ` +
        "(clang: -mexec-model=reactor), or set the handler to the file only",
    );
  }
  const name = wanted || defaultExport;
  const signature = exports.get(name)?.signature;
  if (!isFunction(name) || !signature) {
    const names = [...exports].filter(([name, { kind }]) => kind === "function" && name[0] !== "_")
      .map(([name]) => name).slice(0, 10);
    throw new WasmRefusal(
      `the module exports neither _start nor a function ${name}; it exports ${
        names.join(", ") || "no function"
      }`,
    );
  }
  const alloc = exports.get(allocExport)?.signature;
  if (alloc && matches(alloc, ["i32"], ["i32"]) && matches(signature, ["i32", "i32"], ["i64"])) {
    return { kind: "json", name };
  }
  if ([...signature.parameters, ...signature.results].includes("other")) {
    throw new WasmRefusal(`the export ${name} has a parameter or result that is not a number`);
  }
  return { kind: "numbers", name, signature };
}

function matches(
  { parameters, results }: WasmSignature,
  wantedParameters: readonly string[],
  wantedResults: readonly string[],
): boolean {
  return parameters.join() === wantedParameters.join() && results.join() === wantedResults.join();
}
