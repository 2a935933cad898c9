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
  /** A second signal ended the process; shells use this status for SIGINT. */
  interrupted: 130,
} as const;

/** Help text: the exit statuses and their meanings. */
export const exitLegend: string =
  "0 ok, 1 usage or parameter file, 2 request failed, 3 source file, 4 signature, " +
  "5 the function itself failed, 6 deadline exceeded, 7 result pending";
