/**
 * Authenticates other nodes and balancers of a cluster with a secret.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { balancerHeader, isFromPeer, requestIdHeader } from "../cluster/peers/hop_headers.ts";
import type { RequestVerifier, SignedExchange } from "../cluster/trust/request_verifier.ts";
import { digestHeader } from "../cluster/trust/signed_headers.ts";
import type { HttpHandler, IncomingRequest, OutgoingResponse } from "../http/server/messages.ts";
import { codedError, errorAnswer } from "./errors.ts";

/**
 * Wraps a handler, so that a request with headers of a node or a balancer reaches it only if it is
 * signed, and its response is signed as well.
 *
 * @param verifier undefined in a cluster without a secret: nothing is checked
 */
export function peerGuard(handle: HttpHandler, verifier: RequestVerifier | undefined): HttpHandler {
  if (!verifier) return handle;
  return (request) => isFromPeer(request) ? guarded(handle, verifier, request) : handle(request);
}

async function guarded(
  handle: HttpHandler,
  verifier: RequestVerifier,
  request: IncomingRequest,
): Promise<OutgoingResponse> {
  const isForwarded = request.headers.has(requestIdHeader);
  let exchange: SignedExchange;
  try {
    exchange = verifier.open(request);
    if (isForwarded && !request.headers.has(digestHeader)) throw withoutDigest();
  } catch (thrown) {
    return errorAnswer(codedError(thrown)).outgoing;
  }
  const { sender, refusal } = exchange;
  const forClient = !isForwarded && request.headers.has(balancerHeader);
  const response = refusal
    ? errorAnswer(refusal).outgoing
    : await handle({ ...exchange.request, peer: { id: sender, forClient } });
  return await exchange.sign(response);
}

function withoutDigest(): ServerledgeError {
  return new ServerledgeError(
    "UNAUTHORIZED",
    "The signature of the forwarded request does not cover its body",
  );
}
