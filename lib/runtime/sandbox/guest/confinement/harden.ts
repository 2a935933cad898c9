/**
 * The language-level wall of the sandbox: what could lead around the lost permissions, or out of the
 * prepared modules, is taken from the globals. Everything that is not known to
 * be harmless goes: the lists say what stays.
 *
 * @module
 */

import { harmlessGlobals } from "./globals.ts";
import type { Output } from "../output.ts";
import { processObject } from "./process_object.ts";

/**
 * Takes from the globals what makes code from text, and all that is not known to be harmless.
 *
 * @param thrown takes what a timer has thrown; gives false where it is to end the process
 */
export function hardenLanguage(thrown: (error: unknown) => boolean): void {
  closeCodeFromText();
  closeTimers(thrown);
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (harmlessGlobals.has(name) || Reflect.deleteProperty(globalThis, name)) continue;
    // `gc` cannot be deleted, which the program has for its sandboxes of WebAssembly modules.
    (globalThis as Record<string, unknown>)[name] = undefined;
  }
}

/** Globals as functions find them, made before there is a function: that takes a millisecond. */
export interface FunctionGlobals {
  /** Environment variables: the function's own are put here, and it sees no others. */
  readonly env: Record<string, string>;
  /** What takes the place of globals, by name. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Makes what {@link harden} puts in the place of globals.
 *
 * @param output where what functions write goes
 */
export function makeGlobals(output: Output): FunctionGlobals {
  const env: Record<string, string> = {};
  const { Console } = internals();
  const values = {
    // Deno's own writes to the process's descriptors.
    console: new Console((text) => output.write(text)),
    process: processObject(env, output),
    Deno: reducedDeno(env),
    navigator: reducedNavigator(),
  };
  return { env, values };
}

/**
 * Replaces what leads to the machine, after {@link hardenLanguage} and the end of all permissions.
 * Before any code of the function.
 *
 * @param globals what takes its place
 * @param fetch what reaches other machines; undefined for a function without a network
 */
export function harden(
  { values }: FunctionGlobals,
  fetch: typeof globalThis.fetch | undefined,
): void {
  for (const [name, value] of Object.entries(values)) define(name, value);
  define("fetch", fetch ?? (() => Promise.reject(noNetwork())));
}

/** What Deno keeps for its own modules; unreachable once `Deno` is replaced. */
function internals(): { Console: new (print: (text: string) => void) => Console } {
  return (Deno as unknown as Record<symbol, ReturnType<typeof internals>>)[
    (Deno as unknown as { internal: symbol }).internal
  ]!;
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, {
    value,
    configurable: true,
    enumerable: false,
    writable: true,
  });
}

/**
 * `import()` in code made from text is not checked: the compiled program would import any `.js`
 * and `.json` file of the machine. So there is no code from text: not by `eval`, not by `Function`
 * nor by its siblings, which are reached through any function's `constructor`.
 */
function closeCodeFromText(): void {
  const refuse = (): never => {
    throw new EvalError("Code cannot be made from text in a sandbox");
  };
  define("eval", refuse);
  const kinds = [
    function () {},
    async function () {},
    function* () {},
    async function* () {},
  ];
  for (const kind of kinds) {
    const prototype = Object.getPrototypeOf(kind);
    // A bound function would do, but has no prototype, which `instanceof Function` needs.
    const replacement = function Function() {
      refuse();
    };
    replacement.prototype = prototype;
    Object.defineProperty(prototype, "constructor", {
      value: replacement,
      configurable: false,
      writable: false,
    });
    if (prototype === Function.prototype) define("Function", replacement);
  }
}

/**
 * Wraps timers: a callback may be text, which would be run as code, and the owner of a timer that throws is
 * known only while it runs.
 */
function closeTimers(thrown: (error: unknown) => boolean): void {
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    const timers = globalThis as unknown as Record<string, (...args: unknown[]) => unknown>;
    const real = timers[name]!;
    define(name, (callback: unknown, ...rest: unknown[]) => {
      if (typeof callback !== "function") throw new TypeError(`${name} needs a function`);
      return real((...args: unknown[]) => {
        try {
          callback(...args);
        } catch (error) {
          if (!thrown(error)) throw error;
        }
      }, ...rest);
    });
  }
}

/** What functions may find in `Deno`: facts, and nothing that asks for a permission. */
function reducedDeno(env: Record<string, string>): object {
  const { version, build, errors, inspect, exit, memoryUsage } = Deno;
  return {
    version,
    build,
    errors,
    inspect,
    exit,
    memoryUsage,
    noColor: true,
    args: [],
    pid: Deno.pid,
    env: {
      get: (name: string) => env[name],
      has: (name: string) => Object.hasOwn(env, name),
      set: (name: string, value: string) => void (env[name] = String(value)),
      delete: (name: string) => void delete env[name],
      toObject: () => ({ ...env }),
    },
  };
}

/** Without `gpu`, a device of the machine. */
function reducedNavigator(): object {
  const { userAgent, language, languages, platform, hardwareConcurrency } = navigator;
  return { userAgent, language, languages, platform, hardwareConcurrency };
}

function noNetwork(): Error {
  return new TypeError('The function has no network: create it with Network "bridge"');
}
