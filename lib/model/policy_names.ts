/**
 * The names of the policies that the program has, and how a policy of a user's own is told apart.
 *
 * @module
 */

/** Names that `scheduler.policy` can have; `policies/mod.ts` has the policies. */
export const policyNames = [
  "default",
  "edgeonly",
  "cloudonly",
  "edgecloud",
  "qosaware",
  "probabilistic",
] as const;

/** Name of one of the program's policies. */
export type PolicyName = (typeof policyNames)[number];

/**
 * True if a value of `scheduler.policy` means a file: it has a slash or the ending of a script.
 *
 * @param value what the configuration says
 */
export function isPolicyPath(value: string): boolean {
  return value.includes("/") || /\.(js|mjs|ts)$/.test(value);
}
