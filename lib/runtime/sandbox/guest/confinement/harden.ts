/**
 * Language-level confinement of the sandbox. Removes globals that could bypass the revoked permissions or
 * reach code outside of the prepared modules. Only globals that are known to be harmless stay; the lists name
 * them.
 *
 * @module
 */

import { harmlessGlobals } from "./globals.ts";
import type { Output } from "../output.ts";
import { processObject } from "./process_object.ts";

/**
 * Removes globals that create code from text, and all globals that are not known to be harmless.
 *
 * @param thrown handles an error thrown by a timer; returns false if the error should end the process
 */
export function hardenLanguage(thrown: (error: unknown) => boolean): void {
  closeCodeFromText();
  closeTimers(thrown);
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (harmlessGlobals.has(name) || Reflect.deleteProperty(globalThis, name)) continue;
    // `gc`, which sandboxes of WebAssembly modules need, cannot be deleted.
    (globalThis as Record<string, unknown>)[name] = undefined;
  }
}

/** Globals of functions. They are created before a function arrives, because that takes a millisecond. */
export interface FunctionGlobals {
  /** Environment variables of the function, which are added later. It sees no others. */
  readonly env: Record<string, string>;
  /** Replacements of globals, by name. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Creates the replacements of globals that {@link harden} installs.
 *
 * @param output receives the output of functions
 */
export function makeGlobals(output: Output): FunctionGlobals {
  const env: Record<string, string> = {};
  const { Console } = internals();
  const values = {
    // The original console writes to the process's file descriptors.
    console: new Console((text) => output.write(text)),
    process: processObject(env, output),
    Deno: reducedDeno(env),
    navigator: reducedNavigator(),
  };
  return { env, values };
}

/**
 * Replaces globals that give access to the machine. Must be called after {@link hardenLanguage} and the
 * revocation of all permissions, and before any code of the function runs.
 *
 * @param fetch sends requests to other machines; undefined for a function without a network
 */
export function harden(
  { values }: FunctionGlobals,
  fetch: typeof globalThis.fetch | undefined,
): void {
  for (const [name, value] of Object.entries(values)) define(name, value);
  define("fetch", fetch ?? (() => Promise.reject(noNetwork())));
}

/** Returns the internals of Deno, which are unreachable once `Deno` is replaced. */
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
 * Disables code from text: `eval`, `Function` and its variants, which any function's `constructor` refers to.
 * `import()` in such code is not checked: the compiled program would import any `.js` and `.json` file of the
 * machine.
 */
function closeCodeFromText(): void {
  const refuse = (): never => {
    throw new EvalError("A sandbox cannot evaluate code from text");
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
    // A bound function has no prototype, which `instanceof Function` needs.
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
 * Wraps timers. They accept callbacks as text, which would run as code. The call that owns a timer is known
 * only while the timer's callback runs, so errors are handled there.
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

/** Creates the `Deno` of functions. It has facts about the system and nothing that needs a permission. */
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

/** Creates a `navigator` without `gpu`, which is a device of the machine. */
function reducedNavigator(): object {
  const { userAgent, language, languages, platform, hardwareConcurrency } = navigator;
  return { userAgent, language, languages, platform, hardwareConcurrency };
}

function noNetwork(): Error {
  return new TypeError('The function has no network: create it with Network "bridge"');
}
