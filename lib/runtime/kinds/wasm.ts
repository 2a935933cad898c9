/**
 * WebAssembly modules in sandboxes.
 *
 * @module
 */

import type { SandboxKind } from "./kind.ts";

/** Commands of WASI, and modules that export functions of numbers or of JSON. */
export const wasm: SandboxKind = {
  runtime: "wasm",
  place: "sandbox",
  // For what goes in and out, and for memories of earlier calls that are not collected yet (at most
  // 32 MiB). The module's own memory ends where the function's memory ends, and is reported so.
  headroomMib: 64,
  handler: { forms: "file or file.export" },
  http: ["event", "stdio", "cgi"],
  dropsState: true,
  isSerial: true,
};
