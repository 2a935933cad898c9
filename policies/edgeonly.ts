/**
 * The policy of an edge zone that keeps to itself: an idle node serves its requests, a busy one
 * sends them to its neighbours; never to the cloud.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { awaitsImage, canRun, findPeer, offload, run, waitOrReject } from "./decisions.ts";

/** Runs here while nobody waits and the image is there, else at the best neighbour, else here after all. */
export const edgeOnly: PolicyFactory = (): Policy => ({
  name: "edgeonly",
  decide(request, view) {
    const here = canRun(view);
    const unstocked = awaitsImage(view);
    if (here && view.queueLength === 0 && !unstocked) return run;
    const peer = findPeer(request, view);
    if (peer && !(unstocked && peer.imageMissing)) return offload(peer, unstocked);
    return here ? run : waitOrReject(request, view);
  },
});
