/**
 * Servers that verify and sign as nodes of a cluster with a secret do.
 *
 * @module
 */

import { errorAnswer } from "../../../lib/api/errors.ts";
import { type Clock, systemClock } from "../../../lib/base/clock.ts";
import { ServerledgeError } from "../../../lib/base/errors.ts";
import { type ClusterAuth, clusterAuth } from "../../../lib/cluster/trust/cluster_auth.ts";
import { incomingRequest, outgoingResponse, webResponse } from "../../../lib/http/server/web.ts";
import type { NodeRecord } from "../../../lib/model/node.ts";

/** Serves a request of the web platform. */
export type Serve = (request: Request) => Response | Promise<Response>;

/** Authentication of a member, as its process has it. */
export function authOf(
  secret: string,
  { id, incarnation }: Pick<NodeRecord, "id" | "incarnation">,
  clock: Clock = systemClock,
): ClusterAuth {
  return clusterAuth(secret, { id, process: incarnation }, clock)!;
}

/**
 * Verifies the heads of requests and signs the responses.
 *
 * @param serve gets the request as it came
 */
export function signing({ verifier }: ClusterAuth, serve: Serve): Serve {
  return async (request) => {
    try {
      const exchange = verifier.open(incomingRequest(request));
      const response = exchange.refusal ? errorAnswer(exchange.refusal) : await serve(request);
      return webResponse(await exchange.sign(outgoingResponse(response)), request.method);
    } catch (error) {
      if (error instanceof ServerledgeError) return errorAnswer(error);
      throw error;
    }
  };
}
