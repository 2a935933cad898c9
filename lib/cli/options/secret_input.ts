/**
 * Reads secrets from standard input or a file.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { fileProblem } from "../../base/text_file.ts";
import type { Terminal } from "../terminal.ts";

/** Maximum size of a secret, bytes; a longer one is refused before it is sent. */
const maxBytes = 64 << 10;
/** Keys of a terminal in raw mode. */
const keys = {
  interrupt: 0x03,
  end: 0x04,
  backspace: 0x08,
  newline: 0x0a,
  enter: 0x0d,
  delete: 0x7f,
};
/** Exit status of a program that was interrupted (128 and the number of SIGINT). */
const interruptedStatus = 130;

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
    ? await readHidden(`${prompt}: `, terminal)
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
  if (bytes.at(-1) !== keys.newline) return bytes;
  return bytes.subarray(0, bytes.at(-2) === keys.enter ? -2 : -1);
}

/** Reads a line of a terminal that does not show it. */
async function readHidden(prompt: string, terminal: Terminal): Promise<Uint8Array<ArrayBuffer>> {
  terminal.err.write(prompt);
  const line: number[] = [];
  const buffer = new Uint8Array(1024);
  Deno.stdin.setRaw(true);
  try {
    for (;;) {
      const count = await Deno.stdin.read(buffer);
      for (const byte of buffer.subarray(0, count ?? 0)) {
        if (byte === keys.interrupt) {
          Deno.stdin.setRaw(false);
          Deno.exit(interruptedStatus);
        }
        if ([keys.end, keys.newline, keys.enter].includes(byte)) return Uint8Array.from(line);
        if (byte === keys.backspace || byte === keys.delete) removeCharacter(line);
        else line.push(byte);
      }
      if (count === null || line.length > maxBytes) return Uint8Array.from(line);
    }
  } finally {
    Deno.stdin.setRaw(false);
    terminal.err.write("\n");
  }
}

/** Removes the last character, which may have several bytes of UTF-8. */
function removeCharacter(line: number[]): void {
  while (line.length > 0 && (line.pop()! & 0xc0) === 0x80);
}

function invalid(message: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", message);
}
