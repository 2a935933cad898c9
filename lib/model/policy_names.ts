/**
 * What the configuration says of policies: their names, and settings of their own.
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
  "adaptive",
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

/**
 * True if `scheduler.policy` can have a value: a name, or the path of a file.
 *
 * @param value what the configuration says
 */
export function isPolicy(value: string): boolean {
  return policyNames.some((name) => name === value) || isPolicyPath(value);
}

/** Settings of policies, by the rest of their key after `policy.`. */
export type PolicySettings = Readonly<Record<string, string | number | boolean>>;

/**
 * A setting of a policy. The environment and the command line have texts only: what reads as a
 * number or a flag is one.
 *
 * @param value what the configuration says
 * @returns undefined if it is none
 */
export function policySetting(value: unknown): string | number | boolean | undefined {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  if (value === "true" || value === "false") return value === "true";
  return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
}
