/**
 * Route for the last decisions and the estimates of the scheduling policy.
 *
 * @module
 */

import type { ExplainedDecision } from "../../policy/contract.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Route } from "../route.ts";
import { answers } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

/** Returns the route for the scheduling policy. */
export function policyRoutes(services: ApiServices): Route[] {
  return [{
    method: "GET",
    paths: ["/policy"],
    description,
    handle: () => {
      const { name, estimates, decisions } = services.policy();
      return jsonAnswer({
        Node: services.node.id,
        Policy: name,
        Explains: estimates !== undefined,
        Estimates: estimates ?? {},
        Decisions: decisions.map(shown),
      });
    },
  }];
}

function shown({ agoMs, functionName, qosClass, decision, reason }: ExplainedDecision) {
  return {
    AgoMs: agoMs,
    Function: functionName,
    Class: qosClass,
    Decision: decision.kind,
    To: decision.kind === "offload" ? decision.to : null,
    Reason: reason,
  };
}

const description: Description = {
  tag: "Operation",
  summary: "What the scheduling policy decided and knows",
  details:
    "The last decisions of the node's policy with their reasons, newest first, and what a policy that " +
    "learns believes now, as tables that are its own. `Explains` is false for policies that learn " +
    "nothing. `Node` is the node that answers: a balancer passes the question on to one of its nodes.",
  answers: { 200: { description: "What it knows", schema: answers.policy } },
  errors: ["FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/policy",
};
