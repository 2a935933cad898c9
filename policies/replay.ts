/**
 * Replay of a policy in given situations.
 *
 * @module
 */

import type { Decision, NodeView, Policy, RequestFacts } from "../lib/policy/contract.ts";

/** Situation in which a policy decides. */
export interface Situation {
  readonly request: RequestFacts;
  readonly view: NodeView;
}

/**
 * Returns the decisions about one request whose offloads all fail: as in the scheduler, a node that
 * failed is not offered again.
 *
 * @param situation the first situation
 * @returns at most one offload per node, and a final decision
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
