/**
 * Replacement for `process`. It has the members that libraries use. The original gives access to every
 * built-in module.
 *
 * @module
 */

import type { Output } from "../output.ts";

/**
 * Creates a `process` object.
 *
 * @param env environment variables of the function
 * @param output receives the data of its streams
 */
export function processObject(env: Record<string, string>, output: Output): object {
  const { exit, memoryUsage } = Deno;
  const started = performance.now();
  const hrtime = Object.assign((since?: [number, number]) => {
    const now = performance.now();
    const seconds = Math.floor(now / 1000) - (since?.[0] ?? 0);
    const nanoseconds = Math.floor((now % 1000) * 1e6) - (since?.[1] ?? 0);
    return nanoseconds < 0 ? [seconds - 1, nanoseconds + 1e9] : [seconds, nanoseconds];
  }, { bigint: () => BigInt(Math.floor(performance.now() * 1e6)) });
  const events = emitter();
  return {
    ...events,
    env,
    argv: ["deno", "/app"],
    execArgv: [],
    argv0: "deno",
    execPath: "deno",
    title: "deno",
    exitCode: undefined,
    version: "v24.2.0",
    versions: { ...Deno.version, node: "24.2.0" },
    release: { name: "node" },
    arch: Deno.build.arch === "aarch64" ? "arm64" : "x64",
    platform: "linux",
    pid: Deno.pid,
    features: {},
    cwd: () => "/app",
    umask: () => 0o22,
    exit: (code?: number) => exit(code ?? 0),
    abort: () => exit(134),
    uptime: () => (performance.now() - started) / 1000,
    hrtime,
    memoryUsage,
    nextTick: (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
      queueMicrotask(() => callback(...args)),
    emitWarning: (warning: unknown) => output.write(`Warning: ${warning}\n`),
    stdin: { isTTY: false, ...emitter() },
    stdout: stream(output, 1),
    stderr: stream(output, 2),
  };
}

/** Creates the part of a writable stream that libraries use to write to standard output and error. */
function stream(output: Output, fd: number): object {
  const write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown) => {
    if (typeof chunk === "string") output.write(chunk);
    else output.writeBytes(fd, chunk);
    const done = typeof encoding === "function" ? encoding : callback;
    if (typeof done === "function") queueMicrotask(done as () => void);
    return true;
  };
  return { ...emitter(), fd, isTTY: false, writable: true, write, end: write };
}

/**
 * Creates an event emitter that never calls its listeners, because a sandbox has no signals and no exit
 * event.
 */
function emitter(): object {
  const self: Record<string, unknown> = {};
  for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners"]) {
    self[name] = function (this: unknown) {
      return this;
    };
  }
  return Object.assign(self, { emit: () => false, listeners: () => [], listenerCount: () => 0 });
}
