/**
 * Modules of WebAssembly that mean harm, or do it by mistake. See {@link HostileCase}.
 *
 * @module
 */

import type { HostileCase } from "./hostile_cases.ts";
import type { WasmModules } from "./wasm.ts";
import { moduleBytes, section } from "./wasm_bytes.ts";

const brief = { TimeoutMs: 500 };

/** `(func (export "handler") i32.add)`: well formed, and not valid. */
const invalid = moduleBytes(
  section(1, [1, 0x60, 0, 0]),
  section(3, [1, 0]),
  section(7, [1, 7, ...new TextEncoder().encode("handler"), 0, 0]),
  section(10, [1, 3, 0, 0x6a, 0x0b]),
);

/**
 * The cases.
 *
 * @param modules built from `tests/images/wasm`
 */
export function wasmCases(modules: WasmModules): readonly HostileCase[] {
  const wasm = (
    name: string,
    module: Uint8Array<ArrayBuffer>,
    Handler: string,
    rest: Omit<HostileCase, "name" | "code" | "params">,
    params: Record<string, unknown> = {},
  ): HostileCase => ({
    name,
    code: { "m.wasm": module },
    params,
    ...rest,
    fields: { Runtime: "wasm", Handler, ...rest.fields },
  });
  const reactor = (name: string, entry: string, rest: Parameters<typeof wasm>[3], params = {}) =>
    wasm(name, modules.reactor, `m.${entry}`, rest, params);
  const command = (name: string, CASE: string, rest: Parameters<typeof wasm>[3]) =>
    wasm(name, modules.command, "m.wasm", { ...rest, fields: { Env: { CASE }, ...rest.fields } });
  return [
    reactor("a loop without end", "loop", { fields: brief, expect: /DEADLINE_EXCEEDED/ }),
    wasm("a loop without end in `_initialize`", modules.stuck, "m", {
      fields: brief,
      expect: /DEADLINE_EXCEEDED/,
    }),
    command("a sleep of ten minutes", "sleepy", { fields: brief, expect: /DEADLINE_EXCEEDED/ }),
    reactor("`memory.grow` until it fails, all of it written to", "bomb", {
      expect: /^returned 10\d\d$/,
      then: /^returned 10\d\d$/,
    }),
    command("`malloc` until it fails, all of it written to", "greedy", {
      expect: /ExitStatus: .*exit status 12; its memory had grown to 6[34] of at most 64 MiB/,
      then: /ExitStatus/,
    }),
    reactor("a recursion without end", "fib", {
      expect: /FUNCTION_ERROR: StackOverflow: the call stack is exhausted/,
      then: /StackOverflow/,
    }, { n: 1 << 30 }),
    reactor("a recursion without end that fills the module's own stack", "recurse", {
      expect: /FUNCTION_ERROR: Trap: memory access out of bounds/,
      then: /Trap/,
    }, { n: 1 }),
    command("a result without end", "loud", {
      fields: { MemoryMB: 96 },
      expect: /FUNCTION_ERROR: ResultTooLarge/,
      then: /ResultTooLarge/,
    }),
    command("output without end", "scream", { fields: brief, expect: /DEADLINE_EXCEEDED/ }),
    reactor("`abort`", "give_up", { expect: /Trap: unreachable: the module aborted/ }),
    reactor("a pointer to nowhere", "wild", { expect: /Trap: memory access out of bounds/ }),
    reactor("pointers to nowhere, given to WASI", "bad_pointers", { expect: /^returned 21$/ }),
    reactor("a call by a pointer to another kind of function", "bad_call", {
      expect: /Trap: .*invalid function pointer/,
    }),
    reactor("a result outside of the memory", "beyond", { expect: /FUNCTION_ERROR: PointerError/ }),
    command("`/etc/passwd`, and a file of its own", "files", {
      expect: /^returned \{"read":false,"written":false\}$/,
    }),
    wasm("an import that nothing provides", modules.unknown_import, "m", {
      expect: /UNPROCESSABLE: TarFunctionCode: the module imports env\.open_the_door/,
    }),
    wasm("half a module", modules.command.slice(0, modules.command.length / 2), "m", {
      expect: /UNPROCESSABLE: TarFunctionCode: the module is truncated/,
    }),
    wasm("a module that is not valid", invalid, "m", {
      expect: /FUNCTION_ERROR: .*CompileError/,
    }),
    wasm("no module at all", new TextEncoder().encode("(module)"), "m", {
      expect: /UNPROCESSABLE: TarFunctionCode: it is not a WebAssembly module/,
    }),
  ];
}
