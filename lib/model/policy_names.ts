/**
 * Names of policies in the configuration, and settings of policies.
 *
 * @module
 */

/** Names that `scheduler.policy` accepts; `policies/mod.ts` contains the policies. */
export const policyNames = [
  "default",
  "edgeonly",
  "cloudonly",
  "edgecloud",
  "qosaware",
  "probabilistic",
  "adaptive",
] as const;

/** Name of a built-in policy. */
export type PolicyName = (typeof policyNames)[number];

/**
 * Returns true if a value of `scheduler.policy` is a path: it has a slash or the extension of a script.
 *
 * @param value configured value
 */
export function isPolicyPath(value: string): boolean {
  return value.includes("/") || /\.(js|mjs|ts)$/.test(value);
}

/**
 * Returns true if `scheduler.policy` accepts a value: a name, or the path of a file.
 *
 * @param value configured value
 */
export function isPolicy(value: string): boolean {
  return policyNames.some((name) => name === value) || isPolicyPath(value);
}

/** Settings of policies, by the rest of their key after `policy.`. */
export type PolicySettings = Readonly<Record<string, string | number | boolean>>;

/**
 * Converts a setting of a policy. The environment and the command line contain only text, so text that
 * reads as a number or a flag is converted to one.
 *
 * @param value configured value
 * @returns undefined if the value is not a setting
 */
export function policySetting(value: unknown): string | number | boolean | undefined {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  if (value === "true" || value === "false") return value === "true";
  return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
}
