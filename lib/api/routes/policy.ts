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
import { seesAll } from "../visible.ts";

/** Returns the route for the scheduling policy. */
export function policyRoutes(services: ApiServices): Route[] {
  return [{
    method: "GET",
    paths: ["/policy"],
    access: "view",
    description,
    handle: (_, principal) => {
      const { name, estimates, decisions } = services.policy();
      const visible = decisions.filter(({ functionName }) => principal.may("view", functionName));
      return jsonAnswer({
        Node: services.node.id,
        Policy: name,
        Explains: estimates !== undefined,
        // Only the policy knows which rows of its tables are about functions.
        Estimates: seesAll(principal) ? estimates ?? {} : {},
        Decisions: visible.map(shown),
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
  summary: "Decisions and estimates of the scheduling policy",
  details:
    "The latest decisions of the node's policy with their reasons, newest first, and the current " +
    "estimates of a policy that learns, as tables that it defines itself. `Explains` is false for " +
    "policies that do not learn. A key with patterns gets no estimates, and decisions about its functions only. `Node` is the node that responds: a load balancer forwards the " +
    "request to one of its nodes.",
  answers: { 200: { description: "Decisions and estimates", schema: answers.policy } },
  errors: ["FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/policy",
};
