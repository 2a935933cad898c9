/**
 * Exit statuses of the command line.
 *
 * @module
 */

/** Exit statuses in addition to those that the error table gives (`exitStatus` of `lib/base/errors.ts`). */
export const exits = {
  /** All went well. */
  ok: 0,
  /** A wrong command line or parameter file. */
  usage: 1,
  /** The node refused or could not do it, or did not answer. */
  request: 2,
  /** The function's source cannot be read. */
  source: 3,
  /** A signature (`-i`, `-o`) that is none. */
  signature: 4,
  /** The function itself failed. */
  functionFailed: 5,
  /** Time was up. */
  deadline: 6,
  /** The result is not there yet. */
  pending: 7,
  /** Interrupted a second time, as shells count SIGINT. */
  interrupted: 130,
} as const;

/** The exit statuses in words, for help. */
export const exitLegend: string =
  "0 ok, 1 usage or parameter file, 2 request failed, 3 source file, 4 signature, " +
  "5 the function itself failed, 6 deadline exceeded, 7 result pending";
