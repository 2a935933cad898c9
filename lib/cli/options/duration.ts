/**
 * Durations on the command line, such as `1500ms`, `2s`, `90d`.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads a duration.
 *
 * @param option name of the option, for the message
 * @returns the duration, ms
 * @throws `INVALID_REQUEST`
 */
export function readDuration(value: string, option: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? [];
  if (amount !== undefined) return Math.round(Number(amount) * units[unit!]!);
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `${option}: Expected a number with ms, s, m, h or d, such as 90d, but got "${value}"`,
  );
}
