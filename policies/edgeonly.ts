/**
 * The policy of an edge zone that keeps to itself: an idle node serves its requests, a busy one
 * sends them to its neighbours; never to the cloud.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy.ts";
import { canRun, findPeer, offload, run, waitOrReject } from "./decisions.ts";

/** Runs here while nobody waits, else at the best neighbour, else here after all. */
export const edgeOnly: PolicyFactory = (): Policy => ({
  name: "edgeonly",
  decide(request, view) {
    const here = canRun(view);
    if (here && view.queueLength === 0) return run;
    const peer = findPeer(request, view);
    if (peer) return offload(peer);
    return here ? run : waitOrReject(request, view);
  },
});
