/**
 * Loads functions of the runtime `deno`: JavaScript modules that the node has prepared.
 *
 * @module
 */

import type { SandboxSpec } from "../spec.ts";
import { fetchHandler, isFetchObject } from "./fetch_handler.ts";
import type { GuestFunction, Handler } from "./loader.ts";

/**
 * Implements `Loader`. The second step imports the module. Its code is therefore read only after the
 * permissions are revoked.
 */
export function loadModule(spec: SandboxSpec): Promise<() => Promise<GuestFunction>> {
  const path = `${spec.folder}/${spec.entry}`;
  const url = `file://${path.split("/").map(encodeURIComponent).join("/")}`;
  return Promise.resolve(async () => {
    const exports = await import(url) as Record<string, unknown>;
    return { handler: find(exports, spec) };
  });
}

function find(exports: Record<string, unknown>, spec: SandboxSpec): Handler {
  const main = exports.default as Record<string, unknown> | undefined;
  const name = spec.exportName;
  const candidates = name === ""
    ? [main, exports.handler, main?.handler, main?.default]
    : [exports[name], main?.[name]];
  for (const found of candidates) {
    if (typeof found === "function") return (params, context) => found(params, context);
    if (isFetchObject(found)) return fetchHandler(found, spec);
  }
  throw new TypeError(
    name === ""
      ? `${spec.handler} has no default export that is a function (params, context) or an object with fetch(request)`
      : `${spec.handler}: there is no exported function ${name}`,
  );
}
