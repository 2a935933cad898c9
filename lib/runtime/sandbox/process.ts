/**
 * Process of a sandbox, from its start to its confirmed end.
 *
 * @module
 */

import { withTimeout } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { CallPipe } from "./call_pipe.ts";
import { bytesOf, type ByteSource } from "./child_output.ts";
import { LogTail } from "./log_tail.ts";
import type { Program } from "./folder.ts";

/** Time limit for reading the rest of a dead process's output, ms. */
const lastWordsMs = 200;
/** Messages of V8 when its heap is full. The heap's own limit may cause them, too. */
const heapFull = /Fatal JavaScript out of memory|JavaScript heap out of memory|CALL_AND_RETRY_LAST/;

/** Exit status of a process and its cause. */
export interface ProcessEnd {
  /** Exit status; 128 plus the signal's number if a signal ended the process. */
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** True if the process was killed because of its memory usage. */
  readonly oomKilled: boolean;
}

/** Process of this program. Disposing it ends the process. */
export class SandboxProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: LogTail;
  /** Standard input, if the node can write to it without blocking. */
  readonly callPipe: CallPipe | undefined;
  /** Resolves when standard output has been read to its end; undefined if it is not read. */
  #following: Promise<void> | undefined;
  /** Resolves when the process has ended. */
  readonly ended: Promise<ProcessEnd>;
  /** Reports whether the process was killed because of its memory usage. Set by the memory limiter. */
  outOfMemory: () => boolean = () => false;
  #running = true;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#log = new LogTail(child.stderr);
    this.callPipe = CallPipe.open(child.pid);
    // The call pipe is another descriptor of the same pipe.
    void child.stdin.close().catch(() => {});
    this.ended = this.#watch();
  }

  /**
   * Starts the process. These arguments are all that it receives from the node.
   *
   * @param program to run, and its user
   * @param env environment variables
   * @throws `INSTANCE_START_FAILED`
   */
  static start(
    program: Program,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): SandboxProcess {
    return new SandboxProcess(spawn(program, args, env, "piped", "piped"));
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sets the listener for standard error, which receives the stored tail first. */
  listen(listener: (text: string) => void): void {
    this.#log.listen(listener);
  }

  /**
   * Reads standard output. May be called once.
   *
   * @param read reads to the end, and must not reject
   */
  follow(read: (output: ByteSource) => Promise<void>): void {
    const { stdout } = this.#child;
    // The reader stops before the end if the data is no valid frame.
    this.#following = read(bytesOf(stdout)).finally(() => stdout.cancel().catch(() => {}));
  }

  /** Returns the last lines of standard error. */
  log(lines: number): string {
    return this.#log.lines(lines);
  }

  /** Sends a signal, without effect if the process has ended. */
  signal(signal: Deno.Signal): void {
    if (!this.#running) return;
    try {
      this.#child.kill(signal);
    } catch {
      // The process has just ended.
    }
  }

  /** Kills the process. Resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  async #watch(): Promise<ProcessEnd> {
    const { code, signal } = await this.#child.status;
    this.#running = false;
    this.callPipe?.[Symbol.dispose]();
    const output = this.#following ?? this.#child.stdout.cancel();
    await withTimeout(Promise.all([this.#log.ended, output]), lastWordsMs);
    const oomKilled = this.outOfMemory() || heapFull.test(this.#log.lines(50));
    return { code, signal, oomKilled };
  }
}

/**
 * Starts a process of this program.
 *
 * @param program to run, and its user
 * @param args arguments
 * @param env complete environment
 * @param stdin whether the process reads standard input
 * @param stdout whether the node reads standard output
 * @throws `INSTANCE_START_FAILED`
 */
export function spawn(
  program: Program,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  stdin: "null" | "piped",
  stdout: "null" | "piped",
): Deno.ChildProcess {
  const { path, user } = program;
  try {
    return new Deno.Command(path, {
      args: [...program.args, ...args],
      // A program that runs from sources needs the environment to find Deno's cache.
      clearEnv: Deno.build.standalone,
      env: { ...env },
      ...(user === undefined ? {} : { uid: user, gid: user }),
      cwd: "/",
      stdin,
      stdout,
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    // Sandboxes run as another user than the node.
    const advice = cause instanceof Deno.errors.PermissionDenied
      ? "; the program must be executable by all users"
      : "";
    throw new ServerledgeError(
      "INSTANCE_START_FAILED",
      `Cannot start a sandbox from ${path}: ${(cause as Error).message}${advice}`,
      { cause },
    );
  }
}

/**
 * Creates the error for calls of a sandbox that terminated unexpectedly.
 *
 * @param lastLines last lines of its log
 */
export function crashOf(end: ProcessEnd, memoryMib: number, lastLines: string): ServerledgeError {
  const { code, signal, oomKilled } = end;
  const what = oomKilled
    ? `the sandbox was killed because it used more than its ${memoryMib} MiB`
    : signal
    ? `the sandbox was killed by ${signal}`
    : `the process exited with status ${code}`;
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    `The function's instance terminated unexpectedly: ${what}`,
    {
      details: { exitCode: code, oomKilled, output: lastLines },
    },
  );
}
