/**
 * The policies that `scheduler.policy` can name.
 *
 * @module
 */

import type { PolicyName } from "../lib/model/policy_names.ts";
import type { PolicyFactory } from "../lib/policy/contract.ts";
import { adaptive } from "./adaptive/adaptive.ts";
import { cloudOnly } from "./cloudonly.ts";
import { defaultPolicy } from "./default.ts";
import { edgeCloud } from "./edgecloud.ts";
import { edgeOnly } from "./edgeonly.ts";
import { probabilistic } from "./probabilistic/probabilistic.ts";
import { qosAware } from "./qosaware.ts";

const byName: Record<PolicyName, PolicyFactory> = {
  default: defaultPolicy,
  edgeonly: edgeOnly,
  cloudonly: cloudOnly,
  edgecloud: edgeCloud,
  qosaware: qosAware,
  probabilistic,
  adaptive,
};

/** Policy factories by name in the configuration. */
export const policies: Readonly<Record<string, PolicyFactory>> = byName;
