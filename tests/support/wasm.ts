/**
 * WebAssembly modules for tests, built from their sources in C by a real toolchain (scripts/setup.sh
 * wasi). A test that needs them fails where there is none.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { tempDir } from "./temp_dir.ts";

/** Where the sources are. */
const sources = fileURLToPath(new URL("../images/wasm/", import.meta.url));

/** How each source is built. */
const flags = {
  command: [],
  reactor: ["-mexec-model=reactor"],
  unknown_import: ["-mexec-model=reactor"],
} as const;

/** A module by the name of its source. */
export type WasmSource = keyof typeof flags;

/** Modules in a folder of their own. */
export interface WasmModules extends AsyncDisposable {
  /** The folder, with `NAME.wasm` for each source. */
  readonly folder: string;
  /** The bytes of a module. */
  bytes(name: WasmSource): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Builds all modules.
 *
 * @throws where there is no clang for wasm32-wasi, or it fails
 */
export async function buildWasm(): Promise<WasmModules> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("wasm"));
  await Promise.all(
    Object.entries(flags).map(([name, flags]) =>
      clang([...flags, "-o", `${path}/${name}.wasm`, `${sources}${name}.c`])
    ),
  );
  const kept = stack.move();
  return {
    folder: path,
    bytes: (name) => Deno.readFile(`${path}/${name}.wasm`),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function clang(args: string[]): Promise<void> {
  const command = new Deno.Command("clang", {
    args: ["--target=wasm32-wasi", "-O2", ...args],
    stderr: "piped",
  });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`clang failed: ${new TextDecoder().decode(stderr)}`);
}
