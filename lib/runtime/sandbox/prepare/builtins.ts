/**
 * Modules of Node.js that functions may import: those that only compute. What would lead to files,
 * processes, sockets, threads, other contexts or code made from text is not among them.
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

/** Others, which are recognised to be refused with the right words. */
const refused = new Set(
  ("child_process cluster console constants dgram dns dns/promises domain fs fs/promises http " +
    "http2 https inspector inspector/promises module net os path/win32 readline " +
    "readline/promises repl sea sqlite sys test tls trace_events tty v8 vm wasi worker_threads")
    .split(" "),
);

/** A module of Node.js, and whether functions may have it. */
export interface Builtin {
  /** Its name without `node:`. */
  readonly name: string;
  /** True if functions may import it. */
  readonly allowed: boolean;
}

/**
 * Recognises a module of Node.js.
 *
 * @param specifier as it is imported, with or without `node:`
 * @returns undefined for anything else
 */
export function findBuiltin(specifier: string): Builtin | undefined {
  const name = specifier.replace(/^node:/, "");
  if (harmless.has(name)) return { name, allowed: true };
  if (specifier !== name || refused.has(name)) return { name, allowed: false };
  return undefined;
}
