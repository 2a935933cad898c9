/**
 * Readers of the settings `policy.*`; each policy validates those that it uses.
 *
 * @module
 */

import { ServerledgeError } from "../lib/base/errors.ts";
import type { PolicyContext } from "../lib/policy/contract.ts";

/** Default and bounds of a number. */
export interface NumberRange {
  /** Default value. */
  readonly fallback: number;
  /** Least value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
}

/**
 * Reads a number.
 *
 * @param context settings of the policy
 * @param key the key after `policy.`
 * @param range its default and bounds
 * @throws `CONFIG_INVALID` if the value is not a number within the bounds
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const context = { random: Math.random, now: performance.now, settings: { budget: 2 } };
 * assert(numberSetting(context, "budget", { fallback: 1, min: 0, max: 10 }) === 2);
 * assert(numberSetting(context, "cost", { fallback: 1, min: 0, max: 10 }) === 1);
 * ```
 */
export function numberSetting(context: PolicyContext, key: string, range: NumberRange): number {
  const { fallback, min, max } = range;
  const value = context.settings[key];
  if (value === undefined) return fallback;
  if (typeof value === "number" && value >= min && value <= max) return value;
  const text = JSON.stringify(value);
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `policy.${key}: expected a number from ${min} to ${max}, current value is ${text}`,
    { details: { path: `policy.${key}` } },
  );
}

/** Bandwidths of `policy.bandwidth.edge` and `policy.bandwidth.cloud`, Mbit/s. */
export interface Bandwidths {
  /** To the nodes of this area. */
  readonly edge: number;
  readonly cloud: number;
}

/** Reads the bandwidths. */
export function bandwidthSettings(context: PolicyContext): Bandwidths {
  return {
    edge: numberSetting(context, "bandwidth.edge", { fallback: 1000, min: 0.001, max: 1e6 }),
    cloud: numberSetting(context, "bandwidth.cloud", { fallback: 100, min: 0.001, max: 1e6 }),
  };
}

/**
 * Returns the transfer time of a body, ms.
 *
 * @param size its size, bytes
 * @param bandwidth bandwidth of the link, Mbit/s
 */
export function transferMs(size: number, bandwidth: number): number {
  return size * 8 / (bandwidth * 1000);
}
