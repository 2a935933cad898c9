/**
 * Reads PEM files that the configuration names.
 *
 * @module
 */

import { ServerledgeError } from "./errors.ts";
import { fileProblem } from "./text_file.ts";

/** What a PEM file may contain, by its description. */
const contents = {
  certificate: /-----BEGIN (CERTIFICATE)-----[^-]+-----END \1-----/,
  "private key without a passphrase":
    /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[^-]+-----END \1-----/,
} as const;

/**
 * Reads a PEM file.
 *
 * @param setting key of the configuration that names the file, for the message
 * @param path path of the file
 * @param content what it must contain
 * @throws `CONFIG_INVALID` with the key if the file is unreadable or has other content
 */
export function readPemFile(
  setting: string,
  path: string,
  content: keyof typeof contents,
  readFile: (path: string) => Uint8Array<ArrayBuffer> = Deno.readFileSync,
): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFile(path);
  } catch (cause) {
    throw pemProblem(setting, `cannot read ${path}: ${fileProblem(cause)}`, cause);
  }
  if (contents[content].test(new TextDecoder().decode(bytes))) return bytes;
  throw pemProblem(setting, `${path} is not a PEM file with a ${content}`);
}

/**
 * Returns the error of a setting that names an unusable file.
 *
 * @param setting key of the configuration
 * @param problem what is wrong, after a colon
 */
export function pemProblem(setting: string, problem: string, cause?: unknown): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", `${setting}: ${problem}`, {
    details: { path: setting },
    cause,
  });
}
