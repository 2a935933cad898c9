/**
 * Command line that starts this program again.
 *
 * @module
 */

/** Path of this program, valid even if its file is replaced or deleted. */
export const ownProgramPath = "/proc/self/exe";

/** Returns the path of this program, and the arguments that precede its own. */
export function ownProgram(): { readonly path: string; readonly args: readonly string[] } {
  if (Deno.build.standalone) return { path: ownProgramPath, args: [] };
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return { path: Deno.execPath(), args: ["run", "-A", "--no-prompt", main] };
}
