/**
 * The default policy: run here if possible, else wait in line, else say that the node is full.
 *
 * @module
 */

import type { Decision, NodeView, Policy, RequestFacts } from "../lib/policy.ts";

const run: Decision = { kind: "run" };
const wait: Decision = { kind: "wait" };
const unsupported: Decision = { kind: "reject", code: "NO_SUITABLE_NODE" };
const full: Decision = { kind: "reject", code: "NODE_SATURATED" };

/** Runs everything on this node. */
export const defaultPolicy: Policy = {
  name: "default",
  decide(_request: RequestFacts, view: NodeView): Decision {
    if (!view.supported) return unsupported;
    if (view.warm || view.canStart) return run;
    return view.queueLength < view.queueCapacity ? wait : full;
  },
};
