/**
 * Functions that try to get out of their sandbox.
 *
 * @module
 */

import { brief, type HostileCase } from "./hostile_cases.ts";

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
    expect: /main\.ts:1: cannot import .* is outside the function's directory/,
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
    expect: /refused: TypeError: fetch failed: .* is this machine, or a link-local address/,
  })),
  {
    name: "`fetch` of a cloud's credentials",
    code: attempt('await fetch("http://169.254.169.254/latest/meta-data/")'),
    fields: bridge,
    expect: /refused: TypeError: fetch failed: 169\.254\.169\.254 is this machine, or a link-local/,
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
