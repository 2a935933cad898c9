/**
 * WebAssembly modules for tests, built from their sources in C by a real toolchain (scripts/setup.sh
 * wasi). A test that needs them fails where there is none.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { packTar } from "../../../lib/archive/archive.ts";
import { tempDir } from "../temp_dir.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const wasi = ["--target=wasm32-wasi", "-O2"];
const reactor = [...wasi, "-mexec-model=reactor"];

/** Each source, and how it is built: as the comment at its top says. */
const sources = {
  command: { file: "tests/images/wasm/command.c", flags: wasi },
  reactor: { file: "tests/images/wasm/reactor.c", flags: reactor },
  unknown_import: { file: "tests/images/wasm/unknown_import.c", flags: reactor },
  stuck: { file: "tests/images/wasm/stuck.c", flags: reactor },
  shrink: { file: "examples/wasm/shrink.c", flags: wasi },
  visit: { file: "examples/wasm/visit.c", flags: wasi },
  words: { file: "examples/wasm/words.c", flags: wasi },
  hello: {
    file: "examples/hello/hello.c",
    flags: ["--target=wasm32", "-Os", "-nostdlib", "-Wl,--no-entry,--strip-all"],
  },
} as const;

/** A module by the name of its source. */
export type WasmSource = keyof typeof sources;

/** Modules by their names. */
export type WasmModules = Readonly<Record<WasmSource, Uint8Array<ArrayBuffer>>>;

/**
 * Builds all modules.
 *
 * @throws where there is no clang for wasm32-wasi, or it fails
 */
export async function buildWasm(): Promise<WasmModules> {
  const built = Object.entries(sources).map(async ([name, { file, flags }]) => [
    name,
    await compileWasm([...flags, root + file]),
  ]);
  return Object.fromEntries(await Promise.all(built));
}

/**
 * Compiles a module.
 *
 * @param args options and sources for clang; what it writes is set here
 * @returns the module
 * @throws where there is no clang for wasm32-wasi, or it fails
 */
export async function compileWasm(args: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  await using folder = await tempDir("wasm");
  const output = `${folder.path}/main.wasm`;
  const command = new Deno.Command("clang", { args: [...args, "-o", output], stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`clang failed: ${new TextDecoder().decode(stderr)}`);
  return await Deno.readFile(output);
}

/**
 * The smallest function in WebAssembly, as `/create` takes it; needs no toolchain.
 *
 * @param name of the function
 * @param fields more of its definition
 */
export async function helloWasm(name: string, fields: object = {}): Promise<object> {
  const text = await Deno.readTextFile(`${root}examples/hello/hello.wasm.base64`);
  return await wasmFunction(name, Uint8Array.fromBase64(text.replaceAll("\n", "")), fields);
}

/**
 * A function in WebAssembly, as `/create` takes it.
 *
 * @param name of the function
 * @param module its code
 * @param fields more of its definition
 */
export async function wasmFunction(
  name: string,
  module: Uint8Array,
  fields: object = {},
): Promise<object> {
  const archive = await packTar([{ path: "main.wasm", data: module, executable: false }]);
  return {
    Name: name,
    Runtime: "wasm",
    MemoryMB: 32,
    TarFunctionCode: archive.toBase64(),
    ...fields,
  };
}
