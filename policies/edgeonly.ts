/**
 * The policy of an edge area without a cloud: a node runs requests while its queue is empty, and
 * offloads them to peers otherwise.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { awaitsImage, canRun, findPeer, offload, run, waitOrReject } from "./decisions.ts";

/** Runs requests here while the queue is empty and the image is present, else at the best peer, else here. */
export const edgeOnly: PolicyFactory = (): Policy => ({
  name: "edgeonly",
  decide(request, view) {
    const here = canRun(view);
    const lacksImage = awaitsImage(view);
    if (here && view.queueLength === 0 && !lacksImage) return run;
    const peer = findPeer(request, view);
    if (peer && !(lacksImage && peer.imageMissing)) return offload(peer, lacksImage);
    return here ? run : waitOrReject(request, view);
  },
});
