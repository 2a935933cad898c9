/**
 * The policy of an edge node with a cloud behind it: here if there is room, else in the cloud.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy.ts";
import { canRun, findCloud, offload, run, waitOrReject } from "./decisions.ts";

/** Runs here, else in the cloud, else waits here. */
export const edgeCloud: PolicyFactory = (): Policy => ({
  name: "edgecloud",
  decide(request, view) {
    if (canRun(view)) return run;
    const cloud = findCloud(request, view);
    return cloud ? offload(cloud) : waitOrReject(request, view);
  },
});
