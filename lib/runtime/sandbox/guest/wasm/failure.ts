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
/** Share of its maximum memory above which a failed module is suspected to have run out of memory. */
const suspiciousShare = 0.75;
/** Maximum number of stack frames. */
const maxFrames = 50;

/** Explanations of V8's messages for traps. Other messages are passed on unchanged. */
const trapAdvice: Readonly<Record<string, string>> = {
  unreachable: "the module aborted (abort, panic or a failed assertion)",
  "memory access out of bounds": "invalid pointer or index, or the module's stack is too small",
  "function signature mismatch": "a call through an invalid function pointer",
  "table index is out of bounds": "a call through an invalid function pointer",
};

/** Memory of a module at its end. */
export interface MemoryUse {
  /** Size of the memory. */
  readonly bytes: number;
  /** Maximum size of the memory. */
  readonly maxBytes: number;
}

/**
 * Describes why a call failed.
 *
 * @param thrown by the call
 * @param memory shows whether the module may have run out of memory
 */
export function describeFailure(thrown: unknown, memory: MemoryUse): FunctionFailure {
  const { type, message } = explain(thrown);
  // The stack of a deliberate exit is of no interest.
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
  // WASI functions handle the RangeError of a bad pointer, so only an exhausted stack remains.
  if (thrown instanceof RangeError) {
    return { type: "StackOverflow", message: "the call stack is exhausted: infinite recursion?" };
  }
  if (thrown instanceof WebAssembly.RuntimeError) {
    const advice = Object.hasOwn(trapAdvice, thrown.message) ? trapAdvice[thrown.message] : "";
    return { type: "Trap", message: `${thrown.message}${advice && `: ${advice}`}` };
  }
  const { Exception } = WebAssembly as unknown as { Exception?: new () => unknown };
  if (Exception && thrown instanceof Exception) {
    return {
      type: "UncaughtException",
      message: "the module threw an exception that was not caught",
    };
  }
  const { name = "Error", message = String(thrown) } = (thrown ?? {}) as Partial<Error>;
  return { type: name, message };
}

function suspicion({ bytes, maxBytes }: MemoryUse): string {
  if (maxBytes === 0 || bytes < maxBytes * suspiciousShare) return "";
  const grown = Math.round(bytes / mib);
  return `; its memory had grown to ${grown} of at most ${Math.floor(maxBytes / mib)} MiB`;
}

/** Returns the module's frames of a stack: `at name (wasm://wasm/1234:wasm-function[5]:0x67)`. */
function wasmFrames(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack ?? "" : "";
  const frames = stack.split("\n").filter((line) => line.includes("wasm-function["));
  // Numbers and offsets refer to the rewritten module, which users do not have.
  return frames.slice(0, maxFrames).map((line) => line.replace(/ \(wasm:.*\)$/, "")).join("\n");
}
