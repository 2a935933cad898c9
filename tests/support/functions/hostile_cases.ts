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

/** What each function is told by its params: places that it must not reach. */
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

const brief = { TimeoutMs: 500 };
const roomy = { MemoryMB: 512 };

/** Mistakes. */
export const accidents: readonly HostileCase[] = [
  {
    name: "an array that grows without end",
    code: "const kept = []; for (;;) kept.push({ n: kept.length });",
    expect: /FUNCTION_CRASHED.*ended for using more than its 64 MiB/,
  },
  {
    name: "4 GB of ArrayBuffers, written to",
    code:
      "const kept = []; for (let i = 0; i < 64; i++) kept.push(new Uint8Array(1 << 26).fill(1));",
    expect: /FUNCTION_CRASHED.*ended for using more than its 64 MiB/,
  },
  {
    name: "4 GB of WebAssembly memory, written to",
    code: "new Uint8Array(new WebAssembly.Memory({ initial: 65536 }).buffer).fill(1);",
    expect: /FUNCTION_CRASHED.*ended for using more than its 64 MiB|FUNCTION_ERROR.*RangeError/,
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
    expect: /FUNCTION_ERROR: The code cannot be run: main\.ts:1: /,
  },
  {
    name: "code nested too deeply for any parser",
    code: { "main.js": `export default ${"(".repeat(50_000)}1${")".repeat(50_000)};` },
    expect: /The code cannot be run: main\.js: the code is nested too deeply/,
  },
  {
    name: "code that takes more memory to read than a board has",
    code: { "main.js": `export default [${"[],".repeat(5_000_000)}];` },
    expect: /The code cannot be run: it takes more than 512 MiB to read it/,
  },
  {
    name: "an import of a file that is not there",
    code: { "main.ts": '\nimport "./gone.ts"; export default () => 1;' },
    expect: /main\.ts:2: cannot import "\.\/gone\.ts": there is no file gone\.ts in the archive/,
  },
  {
    name: "an error while the code is loaded",
    code: { "main.ts": 'throw new RangeError("not today");' },
    expect: /FUNCTION_ERROR: The function's code cannot be loaded: RangeError: not today/,
  },
  {
    name: "`Deno.exit` while the code is loaded",
    code: { "main.ts": "Deno.exit(9);" },
    expect: /FUNCTION_CRASHED.*status 9/,
  },
];

/** Tries one expression, and says what it gave. */
const attempt = (expression: string) =>
  `try { const got = ${expression}; return "escaped: " + (typeof got) + String(got?.default ?? got).slice(0, 40); }
   catch (error) { return "refused: " + error.name + ": " + error.message.slice(0, 400); }`;

/** Looks at all that is reachable from the globals, the modules of Node.js, functions and errors. */
const walk = `
  import * as a from "node:util"; import * as b from "node:events"; import * as c from "node:stream";
  import * as d from "node:async_hooks"; import * as e from "node:timers"; import * as f from "node:buffer";
  import * as g from "node:crypto"; import * as h from "node:zlib"; import * as i from "node:perf_hooks";
  import * as j from "node:url"; import * as k from "node:assert"; import * as l from "node:process";
  import * as m from "node:diagnostics_channel"; import * as n from "node:stream/web";
  const wanted = new Set(("getBuiltinModule binding dlopen ops evalContext compileFunction openSync readFileSync " +
    "readTextFileSync Command loadCjsModule createRequire runInThisContext reallyExit spawnSync Script core " +
    "writeSync readSync connect listen").split(" "));
  export default () => {
    const seen = new Set<any>(), found = new Set<string>();
    const todo: any[] = [globalThis, a, b, c, d, e, f, g, h, i, j, k, l, m, n, async () => {}, function* () {}, async function* () {}];
    try { (null as any).x; } catch (error) { todo.push(error); }
    while (todo.length > 0) {
      const next = todo.pop();
      if (next === null || (typeof next !== "object" && typeof next !== "function") || seen.has(next)) continue;
      seen.add(next);
      todo.push(Object.getPrototypeOf(next));
      for (const key of Reflect.ownKeys(next)) {
        if (wanted.has(key as string)) found.add(String(key));
        const { value, get, set } = Object.getOwnPropertyDescriptor(next, key) ?? {};
        todo.push(value, get, set);
        if (get) try { todo.push(next[key]); } catch { /* of another kind of object */ }
      }
    }
    for (const one of seen) {
      if (typeof one !== "function" || !/^(eval|(Async)?(Generator)?Function)$/.test(one.name)) continue;
      try { one("return 1"); found.add(one.name); } catch { /* as it should be */ }
    }
    return (found.size > 0 ? "escaped: " + [...found] : "nothing") + " among " +
      (seen.size > 2000 ? "thousands" : seen.size) + " of objects";
  };`;

/** Attempts to get code from text, or modules from elsewhere. */
export const breakouts: readonly HostileCase[] = [
  {
    name: "`eval` of an import",
    code: attempt("await eval(`import(${JSON.stringify(params.script)})`)"),
    expect: /refused: EvalError/,
  },
  {
    name: "`new Function` with an import",
    code: attempt('await new Function("x", "return import(x)")(params.script)'),
    expect: /refused: EvalError/,
  },
  {
    name: "a function's `constructor` with an import",
    code: attempt('await (async () => {}).constructor("x", "return import(x)")(params.script)'),
    expect: /refused: EvalError/,
  },
  {
    name: "a generator's constructor with an import",
    code: attempt(
      'await Object.getPrototypeOf(async function* () {}).constructor("x", "yield import(x)")(params.script).next()',
    ),
    expect: /refused: EvalError/,
  },
  {
    name: "`Reflect.construct` of `Function`",
    code: attempt('Reflect.construct(Deno.exit.constructor, ["return Deno"])'),
    expect: /refused: EvalError/,
  },
  {
    name: "a timer with text",
    code: attempt(
      '(setTimeout("globalThis.hit = 1", 0), await new Promise((r) => setTimeout(r, 20)))',
    ),
    expect: /refused: TypeError/,
  },
  {
    name: "a timer of `node:timers` with text",
    code: attempt('(await import("node:timers")).setTimeout("globalThis.hit = 1" as any, 0)'),
    expect: /refused: TypeError/,
  },
  {
    name: "a walk over every object that can be reached, for what leads out",
    code: { "main.ts": walk },
    fields: { MemoryMB: 256 },
    expect: /^returned nothing among thousands of objects$/,
  },
  {
    name: "import of a `.js` file of the machine",
    code: attempt("await import(params.script)"),
    expect: /refused: TypeError: Cannot import "file:/,
  },
  {
    name: "import of a `.json` file of the machine, with its attribute",
    code: attempt('await import(params.json, { with: { type: "json" } })'),
    expect: /refused: TypeError: Cannot import "file:/,
  },
  {
    name: "import of `/etc/passwd` as text",
    code: attempt('await import("file:///etc/passwd", { with: { type: "text" } })'),
    expect: /refused: TypeError: Cannot import "file:\/\/\/etc\/passwd"/,
  },
  {
    name: "static import of `/etc/passwd`",
    code: { "main.ts": 'import "/etc/passwd"; export default () => "escaped";' },
    expect: /main\.ts:1: cannot import "\/etc\/passwd"/,
  },
  {
    name: "static import of a file above the archive",
    code: { "main.ts": 'import "../../../etc/x.js"; export default () => "escaped";' },
    expect: /main\.ts:1: cannot import .* leaves the function's folder/,
  },
  {
    name: "import by an object that changes its mind",
    code: `let n = 0; const fickle: any = { toString: () => n++ ? params.script : "./main.ts" };
      for (let i = 0; i < 3; i++) {
        const got = await import(fickle).catch((error) => ({ default: error.name }));
        if (got.default === "a secret") return "escaped";
      }
      return n;`,
    expect: /^returned 3$/,
  },
  {
    name: "import of another function's prepared code",
    code: attempt("await import(params.codes + '/app/neighbour.ts.js')"),
    expect: /refused: TypeError: Cannot import/,
  },
  {
    name: "import of the node's registry",
    code: attempt("await import(`file://${params.data}/registry.db`)"),
    expect: /refused: TypeError: Cannot import/,
  },
  {
    name: "import of a `data:` URL",
    code: attempt('await import("data:text/javascript,export default Deno" + ".")'),
    expect: /refused: TypeError: Cannot import "data:/,
  },
  {
    name: "static import of a `data:` URL",
    code: { "main.ts": 'import "data:text/javascript,1"; export default () => "escaped";' },
    expect: /main\.ts:1: cannot import "data:/,
  },
  {
    name: "import by HTTP",
    code: attempt('await import(params.api + "/x.js")'),
    expect: /refused: TypeError: Cannot import "http:/,
  },
  {
    name: "a `Worker` with a module of the machine",
    code: attempt('new Worker(params.script, { type: "module" })'),
    expect: /refused: ReferenceError: Worker is not defined/,
  },
  ...["fs", "worker_threads", "vm", "module", "child_process", "inspector", "v8", "net", "sqlite"]
    .map((name): HostileCase => ({
      name: `import of \`node:${name}\``,
      code: attempt(`await import("node:${name}")`),
      expect: new RegExp(`refused: TypeError: Cannot import "node:${name}"`),
    })),
  {
    name: "static import of `node:fs`",
    code: {
      "main.ts": 'import { readFileSync } from "node:fs"; export default () => readFileSync;',
    },
    expect: /main\.ts:1: cannot import "node:fs": the module node:fs is not available in a sandbox/,
  },
  {
    name: "`require` of `fs` in CommonJS",
    code: {
      "main.js": 'module.exports = () => require("fs").readFileSync("/etc/passwd", "utf8");',
    },
    expect: /FUNCTION_ERROR: Error: Cannot find module "fs"/,
  },
  {
    name: "`process.getBuiltinModule`, `process.binding`, also of `node:process`",
    code: {
      "main.ts": `import other from "node:process";
        export default () => [process, other, globalThis.process].map((p: any) =>
          [typeof p.getBuiltinModule, typeof p.binding, typeof p.dlopen, typeof p.kill].join()).join();`,
    },
    expect: /^returned (undefined,){11}undefined$/,
  },
  {
    name: "`Deno[Deno.internal]`",
    code:
      'return [typeof (Deno as any).internal, Object.getOwnPropertySymbols(Deno).length, Object.getOwnPropertySymbols(globalThis).map(String)].join(" ");',
    expect: /^returned undefined 0 /,
  },
  {
    name: "the guest's own functions through a stack's call sites",
    code: `(Error as any).prepareStackTrace = (_: unknown, sites: any[]) =>
        sites.map((s) => [typeof s.getFunction?.(), typeof s.getThis?.()].join());
      const found = String(new Error().stack); return found.includes("function") || found.includes("object") ? "escaped: " + found : "nothing";`,
    expect: /^returned nothing$/,
  },
  {
    name: "a symbolic link in the archive",
    code: { "main.ts": "export default () => 1;", "@link": "/etc/passwd" },
    expect: /UNPROCESSABLE.*"link" is a symbolic link: only files and directories are accepted/,
  },
  {
    name: "a path that leaves the archive",
    code: { "main.ts": "export default () => 1;", "../../evil.ts": "1" },
    expect: /UNPROCESSABLE.*has '\.\.' in its path/,
  },
];

/** Attempts on what a process can reach. */
export const reaches: readonly HostileCase[] = [
  ...[
    ["reading a file", 'Deno.readTextFileSync("/etc/passwd")'],
    ["starting a program", 'new Deno.Command("/bin/sh").outputSync()'],
    ["loading a native library", 'Deno.dlopen("libc.so.6", {})'],
    ["listening on a port", "Deno.listen({ port: 0 })"],
    ["connecting to the node", "await Deno.connect({ port: Number(new URL(params.api).port) })"],
    ["the name of the machine", "Deno.hostname()"],
    ["killing the node", 'Deno.kill(params.pid, "SIGKILL")'],
    ["handling signals", 'Deno.addSignalListener("SIGTERM", () => {})'],
    ["asking for permissions", 'await Deno.permissions.request({ name: "read" })'],
    ["the path of the program", "Deno.execPath()"],
    ["a database", 'await Deno.openKv("/tmp/x")'],
    ["standard output", 'Deno.stdout.writeSync(new TextEncoder().encode("x"))'],
  ].map(([name, expression]): HostileCase => ({
    name: `${name}: \`${expression!.replace("await ", "")}\``,
    code: attempt(expression!.replace(/\bDeno\./, "(Deno as any).")),
    expect: /refused: TypeError/,
  })),
  {
    name: "environment variables of the node and of its start",
    code:
      "return [Object.keys(Deno.env.toObject()), Object.keys(process.env), Deno.args].flat().length;",
    expect: /^returned 0$/,
  },
  {
    name: "globals that reach files, devices or others",
    code:
      `return ["Worker", "WebSocket", "EventSource", "caches", "localStorage", "sessionStorage", "GPU",
        "BroadcastChannel", "prompt", "alert", "require", "location", "WebTransport", "createImageBitmap"]
        .filter((name) => name in globalThis).concat("gpu" in navigator ? ["gpu"] : []).join();`,
    expect: /^returned $/,
  },
  {
    name: "`fetch` of the node's API without a network",
    code: attempt("await fetch(params.api + '/status')"),
    expect: /refused: TypeError: The function has no network: create it with Network "bridge"/,
  },
];

const bridge = { Network: "bridge" };
const port = "new URL(params.api).port";

/** Attempts of functions that have a network on the machine itself. */
export const networks: readonly HostileCase[] = [
  ...[
    ["by its address", "params.api"],
    ["by a name", `"http://localhost:" + ${port}`],
    ["by IPv6", `"http://[::1]:" + ${port}`],
    ["by an IPv4 address in an IPv6 one", `"http://[::ffff:127.0.0.1]:" + ${port}`],
    ["by the unspecified address", `"http://0.0.0.0:" + ${port}`],
    ["by an address as one number", `"http://2130706433:" + ${port}`],
    ["by the machine's own address", `\`http://\${params.own}:\${${port}}\``],
  ].map(([how, url]): HostileCase => ({
    name: `\`fetch\` of the node's API ${how}`,
    code: attempt(`await fetch(${url} + "/status")`),
    fields: bridge,
    expect: /refused: TypeError: fetch failed: .* is this machine, or on a link of it/,
  })),
  {
    name: "`fetch` of a cloud's credentials",
    code: attempt('await fetch("http://169.254.169.254/latest/meta-data/")'),
    fields: bridge,
    expect: /refused: TypeError: fetch failed: 169\.254\.169\.254 is this machine, or on a link/,
  },
  {
    name: "`fetch` of a file",
    code: attempt('await fetch("file:///etc/passwd")'),
    fields: bridge,
    expect: /refused: TypeError: fetch failed: file: is neither http: nor https:/,
  },
  {
    name: "a header that would be two",
    code: attempt('await fetch(params.api, { headers: { a: "b\\r\\nc: d" } })'),
    fields: bridge,
    expect: /refused: TypeError/,
  },
  {
    name: "1,000 fetches at once",
    code:
      `const all = await Promise.allSettled(Array.from({ length: 1000 }, () => fetch(params.api)));
      return all.filter(({ status }) => status === "rejected").length;`,
    fields: bridge,
    expect: /^returned 1000$/,
    then: /^returned 1000$/,
  },
  {
    name: "`Deno.connect`, `WebSocket` and `EventSource` with a network",
    code:
      'return ["WebSocket", "EventSource"].filter((n) => n in globalThis).length + typeof (Deno as any).connect;',
    fields: bridge,
    expect: /^returned 0undefined$/,
  },
];

/** Attempts on the channel to the node, by spoiling what the executor itself uses. */
export const forgeries: readonly HostileCase[] = [
  {
    name: "`JSON.stringify` replaced to forge replies",
    code: `const real = JSON.stringify; JSON.stringify = (v: any) =>
      v?.id ? real({ ...v, id: "another call", ok: true, result: "1" }) : real(v); return 1;`,
    fields: brief,
    expect: /^returned 1$|DEADLINE_EXCEEDED/,
  },
  {
    name: "`TextEncoder.prototype.encodeInto` replaced to write garbage frames",
    code: `TextEncoder.prototype.encodeInto = (_text: string, bytes: Uint8Array) => {
      bytes.fill(255); return { read: 9, written: 9 }; }; return 1;`,
    fields: brief,
    expect: /^returned 1$|FUNCTION_CRASHED|DEADLINE_EXCEEDED/,
  },
  {
    name: "`Uint8Array.prototype.subarray` replaced to flood the channel",
    code:
      `const real = Uint8Array.prototype.subarray; const flood = new Uint8Array(1 << 20).fill(255);
      Uint8Array.prototype.subarray = function (...args: any[]) { return args[0] === 0 ? flood : real.apply(this, args as any); }; return 1;`,
    fields: brief,
    expect: /^returned 1$|FUNCTION_CRASHED|DEADLINE_EXCEEDED/,
  },
  {
    name: "`Map`, `Array`, `Promise` and `Object` prototypes spoiled",
    code:
      `(Object.prototype as any).ok = false; (Object.prototype as any).toJSON = () => "polluted";
      Map.prototype.get = Map.prototype.has = (() => { throw new Error("spoiled"); }) as any;
      Array.prototype.push = Array.prototype.map = (() => { throw new Error("spoiled"); }) as any;
      Promise.prototype.then = (() => { throw new Error("spoiled"); }) as any; return 1;`,
    fields: brief,
    expect: /^returned |FUNCTION_CRASHED|FUNCTION_ERROR|UNPROCESSABLE|DEADLINE_EXCEEDED/,
  },
  {
    name: "`queueMicrotask`, `clearTimeout` and `EventTarget` spoiled",
    code: `globalThis.queueMicrotask = () => {}; globalThis.clearTimeout = () => {};
      EventTarget.prototype.addEventListener = EventTarget.prototype.dispatchEvent = (() => {}) as any; return 1;`,
    fields: brief,
    expect: /^returned 1$|DEADLINE_EXCEEDED/,
  },
];
