/**
 * A short-lived process that prepares the code of one function: code of unknown size and intent is
 * read here and not in the node. It gets the archive by its standard input and has no permission.
 *
 * @module
 */

import { readTar } from "../../../archive/archive.ts";
import { giveUpPermissions } from "../guest/confinement/permissions.ts";
import { prepareModules } from "./modules.ts";
import { CodeProblem } from "./problem.ts";
import { isTypeScript, type TypeStripper } from "./syntax.ts";

/** What it answers by its standard output, as JSON. */
export type PrepareAnswer =
  | {
    /** The prepared files by path. */
    readonly files: readonly (readonly [string, string])[];
    /** See `Prepared`. */
    readonly entry: string;
    /** See `Prepared`. */
    readonly exportName: string;
  }
  | {
    /** What is wrong with the code. */
    readonly problem: string;
  };

/** Runs this process: arguments are the mode and the handler. */
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

/** Unpacking and compiling it takes longer than preparing a small function. */
async function stripperFor(paths: Iterable<string>): Promise<TypeStripper> {
  if (![...paths].some(isTypeScript)) return (source) => source;
  return (await import("../../../base/strip_types.ts")).stripTypes;
}
