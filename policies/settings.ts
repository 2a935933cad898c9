/**
 * Reading of `policy.*`: every policy checks what it uses.
 *
 * @module
 */

import { ServerledgeError } from "../lib/base/errors.ts";
import type { PolicyContext } from "../lib/policy/contract.ts";

/** What a number may be, and what it is if nobody sets it. */
export interface NumberRange {
  /** The value without configuration. */
  readonly fallback: number;
  /** Least value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
}

/**
 * A number of the configuration.
 *
 * @param context what the policy is made with
 * @param key the key after `policy.`
 * @param range its default and bounds
 * @throws `CONFIG_INVALID` if it is no such number
 */
export function numberSetting(context: PolicyContext, key: string, range: NumberRange): number {
  const { fallback, min, max } = range;
  const value = context.settings[key];
  if (value === undefined) return fallback;
  if (typeof value === "number" && value >= min && value <= max) return value;
  const told = JSON.stringify(value);
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `policy.${key}: expected a number from ${min} to ${max}, current value is ${told}`,
    { details: { path: `policy.${key}` } },
  );
}

/** Bandwidths in Mbit/s, as `policy.bandwidth.edge` and `policy.bandwidth.cloud` tell them. */
export interface Bandwidths {
  /** To the nodes of this area. */
  readonly edge: number;
  /** To the cloud. */
  readonly cloud: number;
}

/**
 * The bandwidths that transfer times are computed with.
 *
 * @param context what the policy is made with
 */
export function bandwidthSettings(context: PolicyContext): Bandwidths {
  return {
    edge: numberSetting(context, "bandwidth.edge", { fallback: 1000, min: 0.001, max: 1e6 }),
    cloud: numberSetting(context, "bandwidth.cloud", { fallback: 100, min: 0.001, max: 1e6 }),
  };
}

/**
 * How long parameters are on their way, ms.
 *
 * @param size their size, bytes
 * @param bandwidth of the link, Mbit/s
 */
export function transferMs(size: number, bandwidth: number): number {
  return size * 8 / (bandwidth * 1000);
}
