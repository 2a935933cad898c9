/**
 * Start tiers: the work that was needed before a function could run, in increasing order.
 *
 * @module
 */

/**
 * Tiers of a start:
 *
 * - `warm`: an idle instance existed.
 * - `generic`: a generic instance of the runtime loaded the code.
 * - `fresh`: a sandbox process was started, or a module was compiled.
 * - `shared`: a container was started in an existing network namespace.
 * - `full`: a container was started with its own network, or its image was pulled first.
 */
export const startTiers = ["warm", "generic", "fresh", "shared", "full"] as const;

/** One of {@link startTiers}. */
export type StartTier = (typeof startTiers)[number];

/** Tier of a cold start. */
export type ColdTier = Exclude<StartTier, "warm">;
