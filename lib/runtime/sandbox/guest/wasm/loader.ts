/**
 * Loads functions of the runtime `wasm`.
 *
 * @module
 */

import type { SandboxSpec } from "../../spec.ts";
import type { GuestFunction } from "../loader.ts";
import { WasmFunction } from "./module.ts";

/**
 * Implements `Loader`. The second step compiles the module after the permissions are revoked.
 *
 * @param collect collects garbage
 */
export async function loadWasm(
  spec: SandboxSpec,
  collect: () => void,
): Promise<() => Promise<GuestFunction>> {
  const bytes = await Deno.readFile(`${spec.folder}/${spec.entry}`);
  return () => {
    const { exportName, memoryMib, stateful, http, name, env, area, node } = spec;
    const fn = new WasmFunction(bytes, {
      name: exportName,
      memoryMib,
      stateful,
      http,
      env: {
        ...env,
        SERVERLEDGE_FUNCTION: name,
        SERVERLEDGE_MEMORY_MIB: String(memoryMib),
        SERVERLEDGE_AREA: area,
        SERVERLEDGE_NODE: node,
      },
      functionName: name,
      now: Date.now,
      collect,
    });
    return Promise.resolve({
      answer: (call, output) => {
        const reply = fn.call(call, output);
        if (fn.untidy) setTimeout(() => fn.tidy(), 0); // when the reply is on its way
        return reply;
      },
    });
  };
}
