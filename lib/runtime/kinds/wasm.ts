/**
 * WebAssembly modules in sandboxes.
 *
 * @module
 */

import type { SandboxKind } from "./kind.ts";

/** Kind of WASI commands, and of modules that export functions of numbers or of JSON. */
export const wasm: SandboxKind = {
  runtime: "wasm",
  place: "sandbox",
  // Memory for input and output, and for memories of earlier calls that are not collected yet (at most
  // 32 MiB). The module's own memory is limited to the function's memory, and errors report that limit.
  headroomMib: 64,
  handler: { forms: "file or file.export" },
  http: ["event", "stdio", "cgi"],
  dropsState: true,
  isSerial: true,
};
