/**
 * Description of failed WebAssembly modules.
 *
 * @module
 */

import type { FunctionFailure } from "../../../environment.ts";
import { exitStatusOf } from "./wasi.ts";
import { tooLarge } from "../calls.ts";
import { ResultLimit } from "./json.ts";
import { OutputLimit } from "./stdio.ts";

const mib = 1 << 20;
/** Share of its memory from which on a failing module is suspected to have run out of it. */
const suspiciousShare = 0.75;
/** Maximum number of stack frames. */
const maxFrames = 50;

/** Explanations of V8's messages for traps; others are passed on. */
const trapAdvice: Readonly<Record<string, string>> = {
  unreachable: "the module gave itself up (abort, panic or a failed assertion)",
  "memory access out of bounds": "a bad pointer or index, or the module's own stack is too small",
  "function signature mismatch": "a call through a bad function pointer",
  "table index is out of bounds": "a call through a bad function pointer",
};

/** How much memory a module had when it ended. */
export interface MemoryUse {
  /** What it had grown to. */
  readonly bytes: number;
  /** What it may grow to. */
  readonly maxBytes: number;
}

/**
 * Why a call failed.
 *
 * @param thrown what the call threw
 * @param memory to tell a module that may have run out of it
 */
export function describeFailure(thrown: unknown, memory: MemoryUse): FunctionFailure {
  const { type, message } = explain(thrown);
  // How a module got to its own exit is of no interest.
  const traceback = type === "ExitStatus" ? "" : wasmFrames(thrown);
  return { type, message: message + suspicion(memory), traceback };
}

function explain(thrown: unknown): { type: string; message: string } {
  const status = exitStatusOf(thrown);
  if (status !== undefined) {
    return { type: "ExitStatus", message: `the module ended with exit status ${status}` };
  }
  if (thrown instanceof OutputLimit || thrown instanceof ResultLimit) {
    return { type: "ResultTooLarge", message: tooLarge };
  }
  // With a bad pointer given to WASI ruled out, only the stack's end is left.
  if (thrown instanceof RangeError) {
    return { type: "StackOverflow", message: "the call stack is exhausted: endless recursion?" };
  }
  if (thrown instanceof WebAssembly.RuntimeError) {
    const advice = Object.hasOwn(trapAdvice, thrown.message) ? trapAdvice[thrown.message] : "";
    return { type: "Trap", message: `${thrown.message}${advice && `: ${advice}`}` };
  }
  const { Exception } = WebAssembly as unknown as { Exception?: new () => unknown };
  if (Exception && thrown instanceof Exception) {
    return { type: "UncaughtException", message: "an exception of the module was caught nowhere" };
  }
  const { name = "Error", message = String(thrown) } = (thrown ?? {}) as Partial<Error>;
  return { type: name, message };
}

function suspicion({ bytes, maxBytes }: MemoryUse): string {
  if (maxBytes === 0 || bytes < maxBytes * suspiciousShare) return "";
  const grown = Math.round(bytes / mib);
  return `; its memory had grown to ${grown} of at most ${Math.floor(maxBytes / mib)} MiB`;
}

/** The frames of a stack that are the module's: `at name (wasm://wasm/1234:wasm-function[5]:0x67)`. */
function wasmFrames(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack ?? "" : "";
  const frames = stack.split("\n").filter((line) => line.includes("wasm-function["));
  // Numbers and offsets are those of the module as it was rewritten, which nobody could look up.
  return frames.slice(0, maxFrames).map((line) => line.replace(/ \(wasm:.*\)$/, "")).join("\n");
}
