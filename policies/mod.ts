/**
 * The policies that `scheduler.policy` can name.
 *
 * @module
 */

import type { Policy } from "../lib/policy.ts";
import { defaultPolicy } from "./default.ts";

/** Policies by their name in the configuration. */
export const policies: Readonly<Record<string, Policy>> = {
  [defaultPolicy.name]: defaultPolicy,
};
