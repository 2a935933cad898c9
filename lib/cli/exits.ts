/**
 * Exit statuses of the command line.
 *
 * @module
 */

/** Exit statuses in addition to those in the error table (`exitStatus` of `lib/base/errors.ts`). */
export const exits = {
  /** Success. */
  ok: 0,
  /** The command line or the parameter file is invalid. */
  usage: 1,
  /** The node refused the request, failed, or did not respond. */
  request: 2,
  /** The function's source cannot be read. */
  source: 3,
  /** A signature (`-i`, `-o`) is invalid. */
  signature: 4,
  /** The function itself failed. */
  functionFailed: 5,
  /** The deadline was exceeded. */
  deadline: 6,
  /** The result is pending. */
  pending: 7,
  /** The doctor found an error. */
  unfit: 8,
  /** A second signal ended the process; shells use this status for SIGINT. */
  interrupted: 130,
} as const;

type Name = keyof typeof exits;

const meanings: Readonly<Record<Name, string>> = {
  ok: "ok",
  usage: "usage or parameter file",
  request: "request failed",
  source: "source file",
  signature: "signature",
  functionFailed: "function failed",
  deadline: "deadline exceeded",
  pending: "result pending",
  unfit: "doctor found an error",
  interrupted: "terminated by a second signal",
};

/** Exit statuses and their meanings, for the help and the reference. */
export const exitLegend: readonly (readonly [status: number, meaning: string])[] =
  (Object.keys(exits) as Name[]).map((name) => [exits[name], meanings[name]]);
