/**
 * Output files of long-running commands.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";

/**
 * Checks before a long run that a file can be written, without changing its content.
 *
 * @throws `INVALID_REQUEST` if it cannot be written
 */
export async function checkOutputFile(path: string): Promise<void> {
  const exists = await Deno.lstat(path).then(() => true, () => false);
  try {
    (await Deno.open(path, { write: true, create: true })).close();
    if (!exists) await Deno.remove(path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * Writes a file.
 *
 * @throws `INVALID_REQUEST` if it cannot be written
 */
export async function writeOutputFile(path: string, content: string): Promise<void> {
  await Deno.writeTextFile(path, content).catch((cause) => {
    throw unwritable(path, cause);
  });
}

function unwritable(path: string, cause: unknown): ServerledgeError {
  const { message } = cause as Error;
  return new ServerledgeError("INVALID_REQUEST", `Cannot write ${path}: ${message}`, { cause });
}
