/**
 * Reads secrets from standard input or a file.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { fileProblem } from "../../base/text_file.ts";
import { readHiddenLine } from "../hidden_line.ts";
import type { Terminal } from "../terminal.ts";

/** Maximum size of a secret, bytes; a longer one is refused before it is sent. */
const maxBytes = 64 << 10;
const [newline, carriageReturn] = [0x0a, 0x0d];

/**
 * Reads a secret. A terminal shows a prompt and no characters; one newline at the end of another standard
 * input is removed, because `echo` and editors add it.
 *
 * @param prompt what the terminal asks for
 * @param file file to read unchanged; undefined: standard input
 * @throws `INVALID_REQUEST` if it is empty, too long or cannot be read
 */
export async function readSecret(
  prompt: string,
  terminal: Terminal,
  file?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const value = file !== undefined
    ? await readFile(file)
    : Deno.stdin.isTerminal()
    ? new TextEncoder().encode(await readHiddenLine(`${prompt}: `, terminal.err.write))
    : withoutNewline(await readInput());
  if (value.length === 0) throw invalid(`${prompt}: nothing was given`);
  if (value.length > maxBytes) throw invalid(`${prompt}: it is larger than ${maxBytes} bytes`);
  return value;
}

async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw invalid(`Cannot read ${path}: ${fileProblem(cause)}`);
  }
}

async function readInput(): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of Deno.stdin.readable) {
    parts.push(part);
    size += part.length;
    if (size > maxBytes + 2) break;
  }
  return await new Blob(parts).bytes();
}

function withoutNewline(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.at(-1) !== newline) return bytes;
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1);
}

function invalid(message: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", message);
}
