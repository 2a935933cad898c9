/**
 * Runs the process that prepares code, within bounds.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import type { PrepareAnswer } from "./prepare/main.ts";
import { spawn } from "./process.ts";
import type { Program } from "./room.ts";
import { prepareMode } from "./spec.ts";

/** How long it may take, ms. */
const timeoutMs = 30_000;
/** Most bytes that it may answer. */
const maxAnswerBytes = 256 << 20;

/**
 * Prepares the code of a function.
 *
 * @param program what is run
 * @param archive the function's code
 * @param handler the function's handler
 * @param signal gives up
 * @throws `INSTANCE_START_FAILED` if it takes too long or breaks off
 */
export async function runPreparer(
  program: Program,
  archive: Uint8Array,
  handler: string,
  signal: AbortSignal,
): Promise<PrepareAnswer> {
  const child = spawn(program, [prepareMode, handler], {}, "piped", "piped");
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
  };
  const timer = setTimeout(kill, timeoutMs);
  signal.addEventListener("abort", kill);
  try {
    const fed = feed(child, archive);
    const [answer, words] = await Promise.all([
      collect(child.stdout, maxAnswerBytes, kill),
      collect(child.stderr, 64 << 10, kill),
      fed,
    ]);
    const { code } = await child.status;
    signal.throwIfAborted();
    if (code === 0) return JSON.parse(answer) as PrepareAnswer;
    const lines = words.trim().split("\n").slice(-5).join(" ");
    throw new ServerledgeError(
      "INSTANCE_START_FAILED",
      `The function's code could not be prepared within ${timeoutMs / 1000} s (status ${code}): ${
        lines || "it is too large, or the machine overloaded"
      }`,
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    kill();
    await child.status;
  }
}

async function feed(child: Deno.ChildProcess, archive: Uint8Array): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(archive);
    await writer.close();
  } catch {
    // It ended early, and says why.
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  tooMuch: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) {
      tooMuch();
      break;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}
