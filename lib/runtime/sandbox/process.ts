/**
 * Process of a sandbox, from its start until it is certainly gone.
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
/** Messages of V8 when its heap is full, which its own limit may cause. */
const heapFull = /Fatal JavaScript out of memory|JavaScript heap out of memory|CALL_AND_RETRY_LAST/;

/** How a process ended. */
export interface ProcessEnd {
  /** Its exit status; 128 and the signal's number if one ended it. */
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** True if it was ended for its memory. */
  readonly oomKilled: boolean;
}

/** Process of our program. Disposing it ends it. */
export class SandboxProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: LogTail;
  /** Standard input, if the node can write to it without blocking. */
  readonly callPipe: CallPipe | undefined;
  /** Resolves when its standard output is read to the end, if it is read at all. */
  #following: Promise<void> | undefined;
  /** Resolves when it has ended. */
  readonly ended: Promise<ProcessEnd>;
  /** Set by whoever limits its memory. */
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
   * Starts the process, which gets nothing of the node but these arguments.
   *
   * @param program what is run, and as whom
   * @param env its environment
   * @throws `INSTANCE_START_FAILED`
   */
  static start(
    program: Program,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): SandboxProcess {
    return new SandboxProcess(spawn(program, args, env, "piped", "piped"));
  }

  /** Its id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sets the listener for its standard error; see {@link LogTail.listen}. */
  listen(listener: (text: string) => void): void {
    this.#log.listen(listener);
  }

  /**
   * Reads its standard output. Once.
   *
   * @param read reads to the end; must not reject
   */
  follow(read: (output: ByteSource) => Promise<void>): void {
    const { stdout } = this.#child;
    // It is read to its end unless what comes is no frame.
    this.#following = read(bytesOf(stdout)).finally(() => stdout.cancel().catch(() => {}));
  }

  /** The last lines that it wrote to standard error. */
  log(lines: number): string {
    return this.#log.lines(lines);
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    if (!this.#running) return;
    try {
      this.#child.kill(signal);
    } catch {
      // It has just ended.
    }
  }

  /** Kills it; resolves when it is gone. */
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
 * Starts a process of our program.
 *
 * @param program what is run, and as whom
 * @param args its arguments
 * @param env its whole environment
 * @param stdin whether it reads
 * @param stdout whether it is read
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
      // From sources, Deno has to find its cache.
      clearEnv: Deno.build.standalone,
      env: { ...env },
      ...(user === undefined ? {} : { uid: user, gid: user }),
      cwd: "/",
      stdin,
      stdout,
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    // The user of sandboxes is another than the node's.
    const advice = cause instanceof Deno.errors.PermissionDenied
      ? "; every user must be able to run the program"
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
 * @param lastLines what it wrote last
 */
export function crashOf(end: ProcessEnd, memoryMib: number, lastLines: string): ServerledgeError {
  const { code, signal, oomKilled } = end;
  const what = oomKilled
    ? `the sandbox was ended for using more than its ${memoryMib} MiB`
    : signal
    ? `the sandbox was ended by ${signal}`
    : `the process exited with status ${code}`;
  return new ServerledgeError("FUNCTION_CRASHED", `The function's instance was lost: ${what}`, {
    details: { exitCode: code, oomKilled, output: lastLines },
  });
}
