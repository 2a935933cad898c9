/**
 * The route that shows what the scheduling policy has learned and why it decided as it did.
 *
 * @module
 */

import type { ExplainedDecision } from "../../policy/contract.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Route } from "../route.ts";
import { answers } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

/**
 * The route about the policy.
 *
 * @param services the node
 */
export function policyRoutes(services: ApiServices): Route[] {
  return [{
    method: "GET",
    paths: ["/policy"],
    description,
    handle: () => {
      const { name, explanation } = services.policy();
      return jsonAnswer({
        Policy: name,
        Explains: explanation !== undefined,
        Estimates: explanation?.estimates ?? {},
        Decisions: explanation?.decisions.map(shown) ?? [],
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
  summary: "What the scheduling policy knows",
  details:
    "What a policy that learns believes now, as tables that are its own, and its last decisions with " +
    "their reasons, newest first. `Explains` is false for policies that learn nothing.",
  answers: { 200: { description: "What it knows", schema: answers.policy } },
  errors: ["FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/policy",
};
