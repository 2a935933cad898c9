/**
 * The functions that the experiments run: the same four in each runtime.
 *
 * @module
 */

import { packTar } from "../../lib/archive/archive.ts";
import type { ArchiveEntry } from "../../lib/archive/entries.ts";
import { post } from "../../tests/support/client.ts";

/** Memory of one instance, MiB. */
export const instanceMib = 128;

/** Runtimes that are compared. */
export const runtimes = ["python", "nodejs", "deno", "wasm"] as const;
/** One of them. */
export type MeasuredRuntime = typeof runtimes[number];

/** A function, what it is called with, and what it must return. */
export interface MeasuredFunction {
  /** Its name. */
  readonly name: "fibonacci" | "sieve" | "noop" | "echo";
  /** What it does, for plots. */
  readonly title: string;
  /** Params of each call. */
  readonly params: Readonly<Record<string, string | number>>;
  /** What it must return, as JSON. */
  readonly expect: string;
}

const payload = { data: "x".repeat(1_000_000) };

/** The functions of experiment `node`. */
export const functions: readonly MeasuredFunction[] = [
  { name: "noop", title: "noop", params: { n: 0 }, expect: "0" },
  { name: "fibonacci", title: "fibonacci(20), recursive", params: { n: 20 }, expect: "6765" },
  { name: "sieve", title: "primes up to 10,000", params: { n: 10_000 }, expect: "1229" },
  { name: "echo", title: "1 MB in, 1 MB out", params: payload, expect: JSON.stringify(payload) },
];

const folder = new URL("functions/", import.meta.url);

/**
 * Creates a function on a node.
 *
 * @param node its URL
 * @param runtime its runtime
 * @param handler name of the function in the sources
 * @param fields its name, and more of its definition
 * @throws what the node answers, such as that it has no such runtime
 */
export async function createFunction(
  node: string,
  runtime: MeasuredRuntime,
  handler: string,
  fields: { readonly Name: string; readonly [field: string]: unknown },
): Promise<void> {
  const answer = await post(`${node}/create`, {
    Runtime: runtime,
    MemoryMB: instanceMib,
    ...await sourceOf(runtime, handler),
    ...fields,
  });
  if (answer.status === 200) return;
  const { code, message } = answer.body;
  throw new Error(`create ${handler} for ${runtime}: ${code}: ${message}`);
}

async function sourceOf(runtime: MeasuredRuntime, handler: string) {
  const read = (name: string) => Deno.readTextFile(new URL(name, folder));
  const pack = async (path: string, content: string | Uint8Array<ArrayBuffer>) => {
    const data = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const entry: ArchiveEntry = { path, data, executable: false };
    return (await packTar([entry])).toBase64();
  };
  if (runtime === "python") {
    const code = await pack("functions.py", await read("functions.py"));
    return { Handler: `functions.${handler}`, TarFunctionCode: code };
  }
  if (runtime === "wasm") {
    const code = await pack("functions.wasm", await buildWasm(handler));
    return { Handler: `functions.${handler}`, TarFunctionCode: code };
  }
  const code = await read("functions.js");
  const exported = runtime === "deno"
    ? `export default ${handler};`
    : `module.exports = ${handler};`;
  return {
    Handler: "functions",
    TarFunctionCode: await pack("functions.js", `${code}\n${exported}\n`),
  };
}

/** Builds the module (`scripts/setup.sh wasi` has the compiler) with the room that a function needs. */
async function buildWasm(handler: string): Promise<Uint8Array<ArrayBuffer>> {
  const room = handler === "echo" ? 4 << 20 : 4096;
  const out = await Deno.makeTempFile({ suffix: ".wasm" });
  try {
    const { success, stderr } = await new Deno.Command("clang", {
      args: [
        ...["--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry,--strip-all", "-o", out],
        `-DROOM=${room}`,
        new URL("functions.c", folder).pathname,
      ],
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`clang: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readFile(out);
  } finally {
    await Deno.remove(out);
  }
}
