/**
 * Runner of the process that prepares code, with limits.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import type { ConfinedProcess, ResourceLimits } from "./limits/limits.ts";
import type { PrepareAnswer } from "./prepare/main.ts";
import { spawn } from "./process.ts";
import type { Program } from "./folder.ts";
import { prepareMode } from "./spec.ts";

/** Time limit, ms. */
const timeoutMs = 30_000;
/** Memory limit, MiB. */
const memoryMib = 512;
/** Maximum number of processes and threads. */
const maxThreads = 64;
/** Maximum size of a write, bytes. The bytes of each write are copied first. */
const fedAtOnce = 1 << 20;
/** Maximum size of the response, bytes. */
const maxAnswerBytes = 256 << 20;

/** Program of the process and its limits. */
export interface PreparerOptions {
  /** Program to run. */
  readonly program: Program;
  /** Resource limits of the process. */
  readonly limits: ResourceLimits;
}

/**
 * Prepares the code of a function.
 *
 * @param options program and its limits
 * @throws `INSTANCE_START_FAILED` if the process takes too long or ends without a response
 */
export async function runPreparer(
  { program, limits }: PreparerOptions,
  archive: Uint8Array,
  handler: string,
  signal: AbortSignal,
): Promise<PrepareAnswer> {
  const child = spawn(program, [prepareMode, handler], {}, "piped", "piped");
  const process = bounded(child);
  const kill = () => process.signal("SIGKILL");
  const timer = setTimeout(kill, timeoutMs);
  signal.addEventListener("abort", kill);
  await using confinement = await limits.confine(process);
  try {
    confinement.bound({ memoryMib, cpu: 0, pids: maxThreads }, {
      busy: () => true,
      onIdle: () => {},
    });
    confinement.resume();
    const [answer, words] = await Promise.all([
      collect(child.stdout, maxAnswerBytes, kill),
      collect(child.stderr, 64 << 10, kill),
      feed(child, archive),
    ]);
    const { code } = await child.status;
    signal.throwIfAborted();
    if (code === 0) return JSON.parse(answer) as PrepareAnswer;
    if (process.outOfMemory()) {
      return { problem: `reading it takes more than ${memoryMib} MiB: reduce the bundle` };
    }
    const lines = words.trim().split("\n").slice(-5).join(" ");
    throw new ServerledgeError(
      "INSTANCE_START_FAILED",
      `The function's code could not be prepared within ${timeoutMs / 1000} s (status ` +
        `${code}): ${lines || "it is too large, or the machine is overloaded"}`,
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    kill();
    await child.status;
  }
}

function bounded(child: Deno.ChildProcess): ConfinedProcess {
  return {
    pid: child.pid,
    signal(name) {
      try {
        child.kill(name);
      } catch {
        // The process has already ended.
      }
    },
    outOfMemory: () => false,
  };
}

async function feed(child: Deno.ChildProcess, archive: Uint8Array): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    for (let at = 0; at < archive.length; at += fedAtOnce) {
      await writer.write(archive.subarray(at, at + fedAtOnce));
    }
    await writer.close();
  } catch {
    // The process ended early and reports the reason.
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
