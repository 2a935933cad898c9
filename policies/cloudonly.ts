/**
 * The policy of a gateway: everything runs in the cloud.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { findCloud, offload, unsuitable } from "./decisions.ts";

/** Offloads every request to the cloud and rejects those that may not or cannot go there. */
export const cloudOnly: PolicyFactory = (): Policy => ({
  name: "cloudonly",
  decide(request, view) {
    const cloud = findCloud(request, view);
    return cloud ? offload(cloud) : unsuitable;
  },
});
