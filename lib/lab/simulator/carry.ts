/**
 * One request that goes from a node to another by the simulation's clock, and its answer back.
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

/** How it goes. */
export interface Way {
  /** The simulation's clock. */
  readonly clock: Clock;
  /** The links. */
  readonly network: Network;
  /** The link between the two. */
  readonly link: LinkKind;
  /** What the way there takes beside the link, ms. */
  readonly overheadMs: number;
  /** The request is no longer wanted; the other learns of it as late as of all else. */
  readonly signal: AbortSignal;
  /** Hears with the answer, whatever that is, what the other has free. */
  readonly told: (resources: Resources) => void;
  /** Hears that the other took no connection. */
  readonly unreachable: () => void;
}

/**
 * Carries a request.
 *
 * @param target who was registered there when it was sent; undefined: nobody
 * @param way how it goes
 * @returns the other's report
 * @throws what the other answered; `PEER_UNREACHABLE` if there is nobody
 */
export function carry(
  target: Reachable | undefined,
  forwarded: Forwarded,
  { clock, network, link, overheadMs, signal, told, unreachable }: Way,
): Promise<InvocationResult> {
  const { promise, resolve, reject } = Promise.withResolvers<InvocationResult>();
  let cancelThere: () => void = () => {};
  const back = (settle: () => void) => {
    clock.after(network.delayMs(link), settle);
  };
  const answer = (there: Reachable, settle: () => void) => {
    const resources = there.resources();
    back(() => {
      if (resources) told(resources);
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
        (report) => answer(target, () => resolve(report)),
        (error) => target.alive ? answer(target, () => reject(error)) : back(() => reject(error)),
      );
    } catch (error) {
      answer(target, () => reject(error));
    }
  });
  signal.addEventListener("abort", () => {
    clock.after(network.delayMs(link), () => cancelThere());
  }, { once: true });
  return promise;
}
