/**
 * Short-lived process that prepares the code of one function. It keeps code of unknown size and intent out of
 * the node. It reads the archive from standard input and has no permissions.
 *
 * @module
 */

import { readTar } from "../../../archive/archive.ts";
import { giveUpPermissions } from "../guest/confinement/permissions.ts";
import { prepareModules } from "./modules.ts";
import { CodeProblem } from "./problem.ts";
import { isTypeScript, type TypeStripper } from "./syntax.ts";

/** Response of the process, which it writes to standard output as JSON. */
export type PrepareAnswer =
  | {
    /** Prepared files with their paths. */
    readonly files: readonly (readonly [string, string])[];
    readonly entry: string;
    readonly exportName: string;
  }
  | {
    /** Message about an error in the code. */
    readonly problem: string;
  };

/** Runs this process. Its arguments are the mode and the handler. */
export async function runPrepare(): Promise<void> {
  const handler = Deno.args[1] ?? "";
  const { stdout } = Deno;
  giveUpPermissions();
  const archive = new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  const answer = await prepare(archive, handler);
  const bytes = new TextEncoder().encode(JSON.stringify(answer));
  for (let at = 0; at < bytes.length;) at += stdout.writeSync(bytes.subarray(at));
}

async function prepare(archive: Uint8Array, handler: string): Promise<PrepareAnswer> {
  const entries = await readTar(archive);
  const files = new Map<string, Uint8Array>();
  for (const { path, data } of entries) if (data) files.set(path, data);
  const stripTypes = await stripperFor(files.keys());
  try {
    const { files: prepared, entry, exportName } = prepareModules(files, handler, stripTypes);
    return { files: [...prepared], entry, exportName };
  } catch (error) {
    if (error instanceof CodeProblem) return { problem: error.message };
    throw error;
  }
}

/**
 * Loads the type stripper only for TypeScript, because unpacking and compiling it takes longer than preparing
 * a small function.
 */
async function stripperFor(paths: Iterable<string>): Promise<TypeStripper> {
  if (![...paths].some(isTypeScript)) return (source) => source;
  return (await import("../../../base/strip_types.ts")).stripTypes;
}
