/**
 * A policy against moments that were recorded or made up.
 *
 * @module
 */

import type { Decision, NodeView, Policy, RequestFacts } from "../lib/policy/contract.ts";

/** One moment of deciding. */
export interface Situation {
  /** What is asked for. */
  readonly request: RequestFacts;
  /** The node. */
  readonly view: NodeView;
}

/**
 * The decisions about one request whose offloads all fail, one after the other: a node that failed
 * is offered no more, as in the scheduler.
 *
 * @param policy decides
 * @param situation where it begins
 * @returns at most one decision a node, and a last one that is no offload
 */
export function decideInTurn(policy: Policy, { request, view }: Situation): Decision[] {
  const decisions: Decision[] = [];
  const most = view.peers.length + 2;
  let now = view;
  while (decisions.length < most) {
    const decision = policy.decide(request, now);
    decisions.push(decision);
    if (decision.kind !== "offload") break;
    const { to } = decision;
    now = {
      ...now,
      peers: now.peers.filter(({ id }) => id !== to),
      cloud: now.cloud?.id === to ? undefined : now.cloud,
    };
  }
  return decisions;
}
