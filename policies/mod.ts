/**
 * The policies that `scheduler.policy` can name.
 *
 * @module
 */

import type { PolicyFactory } from "../lib/policy.ts";
import { defaultPolicy } from "./default.ts";

/** Makers of policies by their name in the configuration. */
export const policies: Readonly<Record<string, PolicyFactory>> = {
  default: defaultPolicy,
};
