/**
 * The policy of an edge node with a cloud behind it: here if there is room, else in the cloud.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { awaitsImage, canRun, findCloud, offload, run, waitOrReject } from "./decisions.ts";

/** Runs here, else in the cloud, else waits here. */
export const edgeCloud: PolicyFactory = (): Policy => ({
  name: "edgecloud",
  decide(request, view) {
    const here = canRun(view);
    const unstocked = awaitsImage(view);
    if (here && !unstocked) return run;
    const cloud = findCloud(request, view);
    if (cloud && !(unstocked && cloud.imageMissing)) return offload(cloud, unstocked);
    return here ? run : waitOrReject(request, view);
  },
});
