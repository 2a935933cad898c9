/**
 * Route for the members of the cluster.
 *
 * @module
 */

import { memberNames } from "../../cluster/members.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Route } from "../route.ts";
import { answers } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

/** Returns the route for the members of the cluster. */
export function nodeRoutes(services: ApiServices): Route[] {
  return [{
    method: "GET",
    paths: ["/nodes"],
    access: "view",
    description,
    handle: () =>
      jsonAnswer({ Node: services.node.id, Nodes: services.members().map(memberNames.toWire) }),
  }];
}

const description: Description = {
  tag: "Operation",
  summary: "Members of the cluster",
  details:
    "The nodes and load balancers that this node knows, itself first, with their addresses, " +
    "distances, latest status and its age. A mobile client can find the nearest node here. Empty for " +
    "a node without a cluster. `Node` is the node that responds: a load balancer forwards the " +
    "request to one of its nodes.",
  answers: { 200: { description: "The members", schema: answers.nodes } },
  errors: ["FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/nodes",
};
