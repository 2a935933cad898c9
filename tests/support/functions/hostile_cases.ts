/**
 * Functions that mean harm, or do it by mistake. Each is invoked on a real node; what it says it
 * got hold of begins with `escaped`.
 *
 * @module
 */

/** One hostile function. */
export interface HostileCase {
  /** What it tries, or what goes wrong. */
  readonly name: string;
  /** Its code: the body of the handler `async (params, context)`, or whole files by path. */
  readonly code: string | Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  /** What must come of it: the result, or the error's code and message. */
  readonly expect: RegExp;
  /** More fields of its definition. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Its params; by default the places that it must not reach. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** What a second call of the same function must give; none is made where this is left out. */
  readonly then?: RegExp;
  /** What becomes of its sandbox after the reply, which is waited for. */
  readonly after?: "paused" | "ended";
}

/** What each function is given in its params: places that it must not reach. */
export interface HostilePlaces {
  /** A module that every user of the machine can read. */
  readonly script: string;
  /** JSON that every user of the machine can read. */
  readonly json: string;
  /** The node's data folder. */
  readonly data: string;
  /** Folder of the prepared code of all functions. */
  readonly codes: string;
  /** The node's HTTP API. */
  readonly api: string;
  /** An address of the machine that is not loopback, or loopback where it has no other. */
  readonly own: string;
  /** Process id of the node. */
  readonly pid: number;
}

/** For those that never end. */
export const brief = { TimeoutMs: 500 };
/** For those that need room. */
export const roomy = { MemoryMB: 512 };

/** Mistakes. */
export const accidents: readonly HostileCase[] = [
  {
    name: "an array that grows without end",
    code: "const kept = []; for (;;) kept.push({ n: kept.length });",
    expect: /FUNCTION_CRASHED.*killed because it used more than its 64 MiB/,
  },
  {
    name: "4 GB of ArrayBuffers, written to",
    code:
      "const kept = []; for (let i = 0; i < 64; i++) kept.push(new Uint8Array(1 << 26).fill(1));",
    expect: /FUNCTION_CRASHED.*killed because it used more than its 64 MiB/,
  },
  {
    name: "4 GB of WebAssembly memory, written to",
    code: "new Uint8Array(new WebAssembly.Memory({ initial: 65536 }).buffer).fill(1);",
    expect:
      /FUNCTION_CRASHED.*killed because it used more than its 64 MiB|FUNCTION_ERROR.*RangeError/,
  },
  {
    name: "memory that grows in a timer, after the reply",
    code:
      "const kept = []; setTimeout(() => { for (;;) kept.push(new Uint8Array(1 << 20).fill(1)); }); return 1;",
    expect: /^returned 1$/,
    after: "ended",
  },
  {
    name: "a recursion without end",
    code: "const f = () => f() + 1; return f();",
    expect: /FUNCTION_ERROR: RangeError: Maximum call stack size exceeded/,
    then: /RangeError/,
  },
  {
    name: "a result nested too deeply for JSON",
    code: "let a = []; for (let i = 0; i < 200000; i++) a = [a]; return a;",
    expect: /^returned \[{40}/,
  },
  {
    name: "a result that contains itself",
    code: "const a = {}; a.a = a; return a;",
    expect: /FUNCTION_ERROR: TypeError: Converting circular structure/,
    then: /TypeError/,
  },
  {
    name: "a result of 80 MB",
    code: 'return "x".repeat(80_000_000);',
    fields: roomy,
    expect: /FUNCTION_ERROR: ResultTooLarge: The result is longer than 64 MiB/,
  },
  {
    name: "a rejection that nobody handles",
    code:
      'Promise.reject(new Error("forgotten")); await new Promise((r) => setTimeout(r, 50)); return 1;',
    expect: /FUNCTION_ERROR: Error: forgotten/,
    then: /forgotten/,
  },
  {
    name: "an error thrown in a timer, during the call",
    code:
      'setTimeout(() => { throw new Error("late") }, 1); await new Promise((r) => setTimeout(r, 50));',
    expect: /FUNCTION_ERROR: Error: late/,
    then: /late/,
  },
  {
    name: "an error thrown in a timer, after the reply",
    code: 'setTimeout(() => { throw new Error("later") }, 5); return 1;',
    expect: /^returned 1$/,
    then: /^returned 1$|later/,
  },
  { name: "`Deno.exit(0)`", code: "Deno.exit(0);", expect: /FUNCTION_CRASHED.*status 0/ },
  { name: "`process.exit(1)`", code: "process.exit(1);", expect: /FUNCTION_CRASHED.*status 1/ },
  {
    name: "`self.close()`",
    code: "self.close(); return 1;",
    expect: /^returned 1$/,
    after: "ended",
  },
  {
    name: "`while (true)`",
    code: "while (true);",
    fields: brief,
    expect: /DEADLINE_EXCEEDED: The function was interrupted at its deadline/,
  },
  {
    name: "microtasks without end",
    code: "const f = () => queueMicrotask(f); f(); await new Promise(() => {});",
    fields: brief,
    expect: /DEADLINE_EXCEEDED: The function was interrupted at its deadline/,
  },
  {
    name: "`Atomics.wait` for ever",
    code: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    fields: brief,
    expect: /DEADLINE_EXCEEDED|FUNCTION_ERROR: TypeError/,
  },
  {
    name: "a regular expression that takes for ever",
    code: 'return /^(a+)+$/.test("a".repeat(60) + "b");',
    fields: brief,
    expect: /DEADLINE_EXCEEDED: The function was interrupted at its deadline/,
  },
  {
    name: "a promise that never settles",
    code: "await new Promise(() => {});",
    fields: brief,
    expect: /DEADLINE_EXCEEDED: The function was interrupted at its deadline/,
  },
  {
    name: "100 MB of console output",
    code: 'for (let i = 0; i < 100; i++) console.log("x".repeat(1e6)); return 1;',
    expect: /^returned 1$/,
    then: /^returned 1$/,
  },
  {
    name: "console output without end, after the reply",
    code: 'setTimeout(() => { for (;;) console.log("x".repeat(1e5)); }); return 1;',
    expect: /^returned 1$/,
  },
  {
    name: "timers that keep the CPU busy after the reply",
    code:
      "setInterval(() => { const end = Date.now() + 50; while (Date.now() < end); }, 0); return 1;",
    expect: /^returned 1$/,
    after: "paused",
    then: /^returned 1$/,
  },
  {
    name: "code that is not TypeScript",
    code: { "main.ts": "export default (: number) => 1;" },
    expect: /FUNCTION_ERROR: Cannot run the code: main\.ts:1: /,
  },
  {
    name: "code nested too deeply for any parser",
    code: { "main.js": `export default ${"(".repeat(50_000)}1${")".repeat(50_000)};` },
    expect: /Cannot run the code: main\.js: the code is nested too deeply/,
  },
  {
    name: "code that takes more memory to read than a board has",
    code: { "main.js": `export default [${"[],".repeat(5_000_000)}];` },
    expect: /Cannot run the code: reading it takes more than 512 MiB/,
  },
  {
    name: "an import of a file that is not there",
    code: { "main.ts": '\nimport "./gone.ts"; export default () => 1;' },
    expect: /main\.ts:2: cannot import "\.\/gone\.ts": there is no file gone\.ts in the archive/,
  },
  {
    name: "an error while the code is loaded",
    code: { "main.ts": 'throw new RangeError("not today");' },
    expect: /FUNCTION_ERROR: Cannot load the function's code: RangeError: not today/,
  },
  {
    name: "`Deno.exit` while the code is loaded",
    code: { "main.ts": "Deno.exit(9);" },
    expect: /FUNCTION_CRASHED.*status 9/,
  },
];
