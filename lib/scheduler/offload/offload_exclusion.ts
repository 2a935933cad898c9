/**
 * Detects requests whose `CanDoOffloading: false` excludes nodes that could have accepted them.
 *
 * @module
 */

import { logger } from "../../base/log.ts";
import type { NodeView } from "../../policy/contract.ts";
import type { Invocation } from "../invocation.ts";

const log = logger("scheduler");

/** Marks such requests, and logs the first. */
export class OffloadExclusion {
  #logged = false;

  /**
   * Marks a request that forbids offloading while other nodes are available; logs the first one.
   *
   * @param invocation invocation that is queued or rejected
   * @param view other nodes that are available
   */
  check(invocation: Invocation, view: Pick<NodeView, "peers" | "cloud">): void {
    const { request, hop, hopsLeft, record, offloadForbidden } = invocation;
    if (offloadForbidden || request.canOffload || hop || hopsLeft === 0) return;
    if (!view.cloud && view.peers.length === 0) return;
    invocation.offloadForbidden = true;
    if (this.#logged) return;
    this.#logged = true;
    log.warn(
      "A request for {function} waits or is rejected without offloading, because its " +
        "CanDoOffloading (or offload.default) is false. serverledge_offload_forbidden_total " +
        "counts further requests",
      { function: record.name },
    );
  }
}
