import assert from "node:assert/strict";
import { WASIProcExit } from "@bjorn3/browser_wasi_shim";
import { describeFailure } from "./failure.ts";
import { ResultLimit } from "./json.ts";
import { OutputLimit } from "./stdio.ts";

const mib = 1 << 20;
const noMemory = { bytes: 0, maxBytes: 0 };

Deno.test("describeFailure: names the kind of each failure", () => {
  const cases: [unknown, string, RegExp][] = [
    [new WASIProcExit(3), "ExitStatus", /exit status 3/],
    [new OutputLimit(), "ResultTooLarge", /./],
    [new ResultLimit(), "ResultTooLarge", /./],
    [new RangeError("Maximum call stack size exceeded"), "StackOverflow", /infinite recursion/],
    [new WebAssembly.RuntimeError("unreachable"), "Trap", /unreachable: the module aborted/],
    [new WebAssembly.RuntimeError("divide by zero"), "Trap", /^divide by zero$/],
    [new WebAssembly.RuntimeError("constructor"), "Trap", /^constructor$/],
    [new TypeError("no"), "TypeError", /^no$/],
    ["text", "Error", /^text$/],
    [undefined, "Error", /undefined/],
  ];
  for (const [thrown, type, message] of cases) {
    const failure = describeFailure(thrown, noMemory);
    assert.equal(failure.type, type);
    assert.match(failure.message, message);
  }
});

Deno.test("describeFailure: mentions the memory of a module that had used most of it", () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  const full = describeFailure(trap, { bytes: 48 * mib, maxBytes: 64 * mib });
  assert.match(full.message, /; its memory had grown to 48 of at most 64 MiB$/);
  const half = describeFailure(trap, { bytes: 32 * mib, maxBytes: 64 * mib });
  assert.doesNotMatch(half.message, /memory had grown/);
});

Deno.test("describeFailure: keeps the module's frames of a stack, without offsets", () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  trap.stack =
    "RuntimeError: unreachable\n    at panic (wasm://wasm/1234:wasm-function[5]:0x67)\n" +
    "    at run (file:///guest.js:1:1)\n    at main (wasm://wasm/1234:wasm-function[9]:0x99)";
  assert.equal(describeFailure(trap, noMemory).traceback, "    at panic\n    at main");
  const exit = Object.assign(new WASIProcExit(1), { stack: trap.stack });
  assert.equal(describeFailure(exit, noMemory).traceback, "");
});
