/**
 * Start tiers: what a request found that had to be done before its function could run, the least
 * first.
 *
 * @module
 */

/**
 * - `warm`: nothing, an instance was there.
 * - `generic`: an instance of the runtime that was started ahead, for no function, loaded the code.
 * - `fresh`: a sandbox process was started, or a module was compiled.
 * - `shared`: a container was started in a network namespace that was there.
 * - `full`: a container was started with a network of its own, or its image was pulled first.
 */
export const startTiers = ["warm", "generic", "fresh", "shared", "full"] as const;

/** See {@link startTiers}. */
export type StartTier = (typeof startTiers)[number];

/** Tier of a start that took place. */
export type ColdTier = Exclude<StartTier, "warm">;
