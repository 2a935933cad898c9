/**
 * Files that a command writes after it has worked for long.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";

/**
 * Checks that a file can be written, without touching what is in it: a run of an hour must not end at
 * a folder that is not there, nor a mistake in its options cost the last one's report.
 *
 * @param path its path
 * @throws `INVALID_REQUEST` if it cannot
 */
export async function checkOutputFile(path: string): Promise<void> {
  const isThere = await Deno.lstat(path).then(() => true, () => false);
  try {
    (await Deno.open(path, { write: true, create: true })).close();
    if (!isThere) await Deno.remove(path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * Writes a file.
 *
 * @param path its path
 * @param content all of it
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
