/**
 * Modules of Node.js that functions may import. They only compute: none gives access to files, processes,
 * sockets, threads, other contexts or code made from text.
 *
 * @module
 */

const harmless = new Set([
  "assert",
  "assert/strict",
  "async_hooks",
  "buffer",
  "crypto",
  "diagnostics_channel",
  "events",
  "path",
  "path/posix",
  "perf_hooks",
  "process",
  "punycode",
  "querystring",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "timers",
  "timers/promises",
  "url",
  "util",
  "util/types",
  "zlib",
]);

/** Other modules, which are recognised to be rejected with a specific message. */
const refused = new Set(
  ("child_process cluster console constants dgram dns dns/promises domain fs fs/promises http " +
    "http2 https inspector inspector/promises module net os path/win32 readline " +
    "readline/promises repl sea sqlite sys test tls trace_events tty v8 vm wasi worker_threads")
    .split(" "),
);

/** Module of Node.js. */
export interface Builtin {
  /** Name without `node:`. */
  readonly name: string;
  /** True if functions may import it. */
  readonly allowed: boolean;
}

/**
 * Recognises a module of Node.js.
 *
 * @param specifier of the import, with or without `node:`
 * @returns undefined if the specifier names no module of Node.js
 */
export function findBuiltin(specifier: string): Builtin | undefined {
  const name = specifier.replace(/^node:/, "");
  if (harmless.has(name)) return { name, allowed: true };
  if (specifier !== name || refused.has(name)) return { name, allowed: false };
  return undefined;
}
