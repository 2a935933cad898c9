/**
 * Notes requests that their clients keep from the nodes that could have taken them.
 *
 * @module
 */

import { logger } from "../../base/log.ts";
import type { NodeView } from "../../policy/contract.ts";
import type { Invocation } from "../invocation.ts";

const log = logger("scheduler");

/** Knows whether the log has told of it. */
export class OffloadBan {
  #told = false;

  /**
   * Notes it if a request forbids what may have helped it; the log tells of the first.
   *
   * @param invocation it waits or is refused
   * @param view what there is besides this node
   */
  note(invocation: Invocation, view: Pick<NodeView, "peers" | "cloud">): void {
    const { request, hop, hopsLeft, record, offloadForbidden } = invocation;
    if (offloadForbidden || request.canOffload || hop || hopsLeft === 0) return;
    if (!view.cloud && view.peers.length === 0) return;
    invocation.offloadForbidden = true;
    if (this.#told) return;
    this.#told = true;
    log.warn(
      "A request for {function} waits or is refused, and no other node is asked: its CanDoOffloading is " +
        "false, as sent or by offload.default. serverledge_offload_forbidden_total counts further ones",
      { function: record.Name },
    );
  }
}
