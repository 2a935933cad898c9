/**
 * Copies the embedded registry in a process of its own: SQLite's copy blocks its thread until it is
 * complete, and the node's thread serves requests.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { ownProgram } from "../../base/own_program.ts";

/** First argument of the process, followed by the paths of the registry and the copy. */
export const backupMode = "__backup";

/**
 * Copies a registry while this process uses it.
 *
 * @param target a file that does not exist
 * @throws `REGISTRY_UNAVAILABLE` if one of the files cannot be used
 */
export async function backUpInProcess(
  path: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const { path: program, args } = ownProgram();
  const { success, code, stderr } = await new Deno.Command(program, {
    args: [...args, backupMode, path, target],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  if (success) return;
  const words = new TextDecoder().decode(stderr).trim().slice(-2000);
  throw new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    words || `Copying the registry ${path} ended with status ${code}`,
  );
}
