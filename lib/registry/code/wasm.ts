/**
 * Checks, without compiling it, whether a function's code is a WebAssembly module that can be run.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { readTar } from "../../archive/archive.ts";
import type { Definition } from "../../model/function.ts";
import { readWasm, WasmFormatError } from "../../wasm/binary.ts";
import { findWasmHandler, planWasm, WasmRefusal } from "../../wasm/function.ts";

/**
 * Checks a function's module.
 *
 * @throws `UNPROCESSABLE` with the problem and its solution
 */
export async function checkWasmCode(
  archive: Uint8Array,
  { handler, memoryMib, stateful, http }: Pick<
    Definition,
    "handler" | "memoryMib" | "stateful" | "http"
  >,
): Promise<void> {
  const files = (await readTar(archive)).filter(({ data }) => data !== null);
  const { path, name } = checked(
    "Handler",
    () => findWasmHandler(handler, files.map(({ path }) => path)),
  );
  const { data } = files.find((file) => file.path === path)!;
  checked("TarFunctionCode", () => {
    const demand = {
      name,
      memoryMib,
      stateful: stateful === true,
      http: http ?? "event",
    };
    planWasm(readWasm(data!), demand);
  });
}

function checked<T>(path: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof WasmRefusal || cause instanceof WasmFormatError)) throw cause;
    throw new ServerledgeError("UNPROCESSABLE", `${path}: ${cause.message}`, {
      cause,
      details: { path },
    });
  }
}
