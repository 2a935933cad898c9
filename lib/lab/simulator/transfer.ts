/**
 * Transfer of a request between simulated nodes, and of its response.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Forwarded } from "../../cluster/peers/peers.ts";
import type { Resources } from "../../cluster/peers/resource_headers.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { Work } from "./environment.ts";
import type { LinkKind, Network } from "./network.ts";
import type { Reachable } from "./reachable.ts";

/** Parameters of a transfer. */
export interface Transfer {
  /** The simulation's clock. */
  readonly clock: Clock;
  readonly network: Network;
  /** The link between the nodes. */
  readonly link: LinkKind;
  /** Overhead in addition to the link's delay, ms. */
  readonly overheadMs: number;
  /** Cancels the request, with the delay of the link. */
  readonly signal: AbortSignal;
  /** Receives the free resources of the target with every response. */
  readonly receivedResources: (resources: Resources) => void;
  /** Called if the target accepts no connection. */
  readonly unreachable: () => void;
}

/**
 * Transfers a request.
 *
 * @param target the node, undefined if none is registered
 * @param options parameters of the transfer
 * @returns the result
 * @throws the error of the target; `PEER_UNREACHABLE` if there is none
 */
export function transfer(
  target: Reachable | undefined,
  forwarded: Forwarded,
  { clock, network, link, overheadMs, signal, receivedResources, unreachable }: Transfer,
): Promise<InvocationResult> {
  const { promise, resolve, reject } = Promise.withResolvers<InvocationResult>();
  let cancelThere: () => void = () => {};
  const back = (settle: () => void) => {
    clock.after(network.delayMs(link), settle);
  };
  const respond = (there: Reachable, settle: () => void) => {
    const resources = there.resources();
    back(() => {
      if (resources) receivedResources(resources);
      settle();
    });
  };
  const { bytes } = forwarded.request.params as Work;
  clock.after(overheadMs + network.delayMs(link, bytes), () => {
    if (!target?.alive) {
      return back(() => {
        unreachable();
        reject(new ServerledgeError("PEER_UNREACHABLE", "No connection to the node"));
      });
    }
    try {
      const { done, cancel } = target.take(forwarded);
      cancelThere = cancel;
      done.then(
        (report) => respond(target, () => resolve(report)),
        (error) => target.alive ? respond(target, () => reject(error)) : back(() => reject(error)),
      );
    } catch (error) {
      respond(target, () => reject(error));
    }
  });
  signal.addEventListener("abort", () => {
    clock.after(network.delayMs(link), () => cancelThere());
  }, { once: true });
  return promise;
}
