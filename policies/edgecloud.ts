/**
 * The policy of an edge node with a cloud: runs a request here if there is room, else in the cloud.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { awaitsImage, canRun, findCloud, offload, run, waitOrReject } from "./decisions.ts";

/** Runs requests here, else in the cloud, else lets them wait here. */
export const edgeCloud: PolicyFactory = (): Policy => ({
  name: "edgecloud",
  decide(request, view) {
    const here = canRun(view);
    const lacksImage = awaitsImage(view);
    if (here && !lacksImage) return run;
    const cloud = findCloud(request, view);
    if (cloud && !(lacksImage && cloud.imageMissing)) return offload(cloud, lacksImage);
    return here ? run : waitOrReject(request, view);
  },
});
