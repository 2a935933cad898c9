/**
 * Checks the signatures of requests from other nodes, and signs the responses.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { sha256 } from "../../base/digest.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { HeaderPair } from "../../http/head.ts";
import type { IncomingRequest, OutgoingResponse } from "../../http/server/messages.ts";
import { clockSkewProblem, maxClockSkewMs } from "./clock_skew.ts";
import { ClusterKey } from "./keys.ts";
import { ReplayWindows } from "./replay_window.ts";
import {
  digestHeader,
  type NodeProcessId,
  processHeader,
  readRequestSignature,
  type RequestStamp,
  requestText,
  responseText,
  signatureHeader,
  uptimeHeader,
  writeResponseSignature,
} from "./signed_headers.ts";
import { SignedBody } from "./signed_body.ts";

/** Signature of older versions of the program, which bound less. */
const formerSignature = /^[0-9a-f]{64}$/;
/** Headers of responses that only nodes write. */
const ownHeaders: ReadonlySet<string> = new Set([signatureHeader, processHeader, uptimeHeader]);

/** A signed request of another node. */
export interface SignedExchange {
  /** Id of the node. */
  readonly sender: string;
  /** The request; its body fails if it was changed. */
  readonly request: IncomingRequest;
  /** Why the request must not be carried out, although another node has signed it. */
  readonly refusal: ServerledgeError | undefined;
  /** Signs the response. */
  sign(response: OutgoingResponse): Promise<OutgoingResponse>;
}

/** Verifies requests to one process. */
export class RequestVerifier {
  readonly #receiver: NodeProcessId;
  readonly #clock: Clock;
  readonly #requests: ClusterKey;
  readonly #responses: ClusterKey;
  readonly #received: ReplayWindows;
  /** Since when no former process of the node can run requests. */
  #aloneSince: number;

  /**
   * Creates a verifier that has received nothing.
   *
   * @param secret the cluster's; not empty
   * @param receiver this process
   * @param formerEnded resolves when a former process of the node has ended, if it is still running
   */
  constructor(
    secret: string,
    receiver: NodeProcessId,
    clock: Clock,
    formerEnded?: Promise<void>,
  ) {
    this.#receiver = receiver;
    this.#clock = clock;
    this.#aloneSince = formerEnded ? Infinity : clock.now();
    void formerEnded?.then(() => this.#aloneSince = clock.now());
    this.#received = new ReplayWindows(maxClockSkewMs, clock);
    this.#requests = new ClusterKey(secret, "request");
    this.#responses = new ClusterKey(secret, "response");
  }

  /**
   * Verifies the head of a request, each only once. A request for a former process of this node, or of a
   * sender whose clock differs too much, is refused by a signed response: this process has not carried it
   * out. The response also tells whether the former process may have.
   *
   * @throws `UNAUTHORIZED` if it is not signed, changed, meant for another node, or was received before
   */
  open(request: IncomingRequest): SignedExchange {
    const { method, target, headers } = request;
    const { stamp, mac } = signatureOf(headers.get(signatureHeader));
    const text = requestText(stamp, { start: `${method} ${target}`, headers });
    if (!this.#requests.verify(text, mac)) {
      throw unauthorized(
        "The request is not signed with this cluster's secret, or was changed in transit",
      );
    }
    const refusal = this.#check(stamp);
    const digest = headers.get(digestHeader);
    const body = digest === null ? request.body : new SignedBody(request.body, digest);
    return {
      sender: stamp.sender.id,
      request: {
        method,
        target,
        headers,
        client: request.client,
        isSecure: request.isSecure,
        body,
        onDisconnect: (listener) => request.onDisconnect(listener),
      },
      refusal: refusal?.error,
      sign: (response) => this.#signed(mac, method, response, refusal?.headers),
    };
  }

  /** @returns a refusal to sign @throws `UNAUTHORIZED` for one that says nothing of the first use */
  #check(
    { sender, receiver, number, signedAt }: RequestStamp,
  ): { error: ServerledgeError; headers?: readonly HeaderPair[] } | undefined {
    const { id, process } = this.#receiver;
    if (receiver.id !== id) {
      throw unauthorized(
        `The request is signed for node ${receiver.id}, but this is node ${id}: another node ` +
          "may be registered with this node's address",
      );
    }
    if (receiver.process !== process) {
      return {
        error: unauthorized(
          `Node ${id} has restarted since the sender last saw its registration`,
        ),
        headers: [
          [processHeader, process],
          [uptimeHeader, String(Math.max(0, Math.floor(this.#clock.now() - this.#aloneSince)))],
        ],
      };
    }
    if (!this.#received.add(sender.process, number, signedAt)) {
      throw unauthorized("The request was already received: a signature is valid only once");
    }
    const problem = clockSkewProblem(
      signedAt - this.#clock.wall(),
      `The clock of node ${sender.id}`,
      `that of node ${id}`,
    );
    return problem === undefined ? undefined : { error: unauthorized(problem) };
  }

  async #signed(
    requestMac: string,
    method: string,
    response: OutgoingResponse,
    added: readonly HeaderPair[] = [],
  ): Promise<OutgoingResponse> {
    const { status, body } = response;
    const isStream = body instanceof ReadableStream;
    // A balancer passes a stream on with the digest of the node that sent it.
    const headers = response.headers.filter(([name]) =>
      !ownHeaders.has(name) && (isStream || name !== digestHeader)
    );
    headers.push(...added);
    if (!isStream && method !== "HEAD") {
      headers.push([digestHeader, await sha256(body ?? "")]);
    }
    const text = responseText(requestMac, { start: String(status), headers });
    const mac = this.#responses.sign(text);
    return { ...response, headers: [...headers, [signatureHeader, writeResponseSignature(mac)]] };
  }
}

function signatureOf(header: string | null) {
  if (header === null) {
    throw unauthorized(
      "The request claims to come from a node but is not signed with this cluster's secret",
    );
  }
  const signature = readRequestSignature(header);
  if (signature) return signature;
  throw unauthorized(
    formerSignature.test(header)
      ? "The request is signed in the format of a former version of the program: run the " +
        "same version on all nodes"
      : "The request has no valid signature of a node",
  );
}

function unauthorized(message: string): ServerledgeError {
  return new ServerledgeError("UNAUTHORIZED", message);
}
