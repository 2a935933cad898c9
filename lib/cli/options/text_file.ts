/**
 * Reads text files that a command line names.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { fileProblem } from "../../base/text_file.ts";

/**
 * Reads a file.
 *
 * @param path path of the file; `-` for standard input
 * @param what kind of the file, for the message
 * @throws `INVALID_REQUEST` if it cannot be read
 */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    return path === "-"
      ? await new Response(Deno.stdin.readable).text()
      : await Deno.readTextFile(path);
  } catch (cause) {
    const message = `Cannot read the ${what} ${path}: ${fileProblem(cause)}`;
    throw new ServerledgeError("INVALID_REQUEST", message, { cause });
  }
}
