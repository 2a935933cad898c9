/**
 * Reads a line from a terminal without showing it.
 *
 * @module
 */

import { exits } from "./exits.ts";

/** Maximum length of a line, characters, which is more than any secret may have; further ones are dropped. */
const maxLength = 128 << 10;
/** Size of the buffer for one read, bytes. */
const bufferBytes = 4096;

const keys = { interrupt: "\x03", endOfInput: "\x04", eraseLine: "\x15" } as const;

/**
 * Shows a prompt and reads a line from the terminal on stdin, which shows none of its characters.
 * Ctrl+C ends the process.
 *
 * @param write writes the prompt
 * @returns the line without its end
 */
export async function readHiddenLine(
  prompt: string,
  write: (text: string) => void,
): Promise<string> {
  const { stdin } = Deno;
  stdin.setRaw(true);
  let line: string | undefined;
  try {
    // Only now, because the terminal would show what is typed before.
    write(prompt);
    line = await readLine(stdin);
  } finally {
    stdin.setRaw(false);
    write("\n");
  }
  if (line === undefined) Deno.exit(exits.interrupted);
  return line;
}

/** @returns undefined if Ctrl+C was typed */
async function readLine(stdin: typeof Deno.stdin): Promise<string | undefined> {
  const buffer = new Uint8Array(bufferBytes);
  // A read may end within a character.
  const decoder = new TextDecoder();
  let line = "";
  for (;;) {
    const size = await stdin.read(buffer);
    if (size === null) return line;
    for (const character of decoder.decode(buffer.subarray(0, size), { stream: true })) {
      if (character === keys.interrupt) return undefined;
      if (/[\r\n]/.test(character) || character === keys.endOfInput) return line;
      if (character === keys.eraseLine) line = "";
      else if (/[\b\x7f]/.test(character)) line = line.slice(0, -1);
      else if (line.length < maxLength) line += character;
    }
  }
}
