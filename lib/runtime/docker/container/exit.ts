/**
 * Exit states of containers and their descriptions, which state only observed facts.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";

/** Exit status of a process that was killed by SIGKILL. */
export const killedStatus = 137;
/** Line that `native/init.c` writes into the log of a container that used more than its memory. */
export const memoryKillLine =
  "init: the kernel killed a process for using more than the container's memory";
/** Offset of the exit status of a process that was ended by a signal. */
const signalBase = 128;
/** Maximum length of a line in a message, characters. */
const maxShownLine = 200;

/** How a container ended. */
export interface Exit {
  /** The main process's exit status; undefined if unknown. */
  readonly code: number | undefined;
  /** True if it was killed for using too much memory; null if the reason of the kill is unknown. */
  readonly oomKilled: boolean | null;
}

/** Signals that end processes, by number (signal(7)). */
const signals: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
  31: "SIGSYS",
};

/** Describes how a container ended. */
export function describeExit({ code, oomKilled }: Exit, memoryMib: number): string {
  if (oomKilled) return `the container was killed because it used more than its ${memoryMib} MiB`;
  if (code === undefined) return "the container was removed";
  if (code === killedStatus) {
    return `the container was killed (status ${code}); Docker does not report whether it used ` +
      `more than its ${memoryMib} MiB`;
  }
  const signal = signals[code - signalBase];
  return `the process exited with status ${code}${signal ? `, which means ${signal}` : ""}`;
}

/**
 * Creates the error for calls of an instance that terminated unexpectedly.
 *
 * @param lastLines last lines of its log
 */
export function crash(exit: Exit, memoryMib: number, lastLines: string): ServerledgeError {
  const what = describeExit(exit, memoryMib);
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    `The function's instance terminated unexpectedly: ${what}`,
    {
      details: { exitCode: exit.code, oomKilled: exit.oomKilled, output: lastLines },
    },
  );
}

/**
 * Creates the error of a start whose container ended too early.
 *
 * @param lastLines last lines of its log
 * @param when e.g. `before it was ready`
 */
export function earlyEnd(
  exit: Exit,
  memoryMib: number,
  lastLines: string,
  when: string,
): ServerledgeError {
  const what = describeExit(exit, memoryMib);
  const last = lastLines.trimEnd().split("\n").at(-1)!.slice(0, maxShownLine);
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `The function's instance did not start: ${what}, ${when}${last && `; its output: ${last}`}`,
    { details: { exitCode: exit.code, oomKilled: exit.oomKilled, output: lastLines } },
  );
}
