/**
 * Signs the requests of a node to others, and checks that the responses are signed.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { sha256 } from "../../base/digest.ts";
import type { HttpResponse } from "../../http/client.ts";
import type { HttpRequest } from "../../http/request.ts";
import { tryParseObject } from "../../json/json.ts";
import { ClusterKey } from "./keys.ts";
import {
  digestHeader,
  headerOf,
  type NodeProcessId,
  processHeader,
  readResponseSignature,
  requestText,
  responseText,
  signatureHeader,
  uptimeHeader,
  writeRequestSignature,
} from "./signed_headers.ts";
import { checkedStream } from "./signed_body.ts";

/** Maximum length of the error of a response that is not signed. */
const maxSaidLength = 300;

/** Response that does not come from the node to which the request was sent, or was changed on its way. */
export class UnsignedResponse extends Error {
  /** The class, for logs. */
  override readonly name = "UnsignedResponse";
  /** Status and error of the response. Anybody may have written it: for display only. */
  readonly said: string;

  /** Creates an error. @param problem what is wrong, in words that follow "The response" */
  constructor(problem: string, { status, body }: HttpResponse) {
    const { message } = body instanceof Uint8Array ? tryParseObject(body) ?? {} : {};
    const text = typeof message === "string" ? `: ${message.slice(0, maxSaidLength)}` : "";
    super(`The response ${problem} (status ${status}${text})`);
    this.said = `status ${status}${text}`;
  }
}

/** A node's refusal of a request for a former process. */
export interface Restart {
  /** The process that has refused the request. */
  readonly process: string;
  /** True if the former process may have carried the request out. */
  readonly mayHaveRun: boolean;
}

/** A request that was signed for one node. */
export interface SignedRequest {
  readonly request: HttpRequest;
  /**
   * Checks the response. The end of a streamed body is checked when it is read, if it has a digest.
   *
   * @throws {UnsignedResponse}
   */
  verified<R extends HttpResponse>(response: R): Promise<R>;
  /**
   * Reads the refusal of a request for a former process from a verified response that has just arrived.
   * The former process cannot have received a request that was signed after the new one started.
   *
   * @returns undefined if the response is none
   */
  restart(response: HttpResponse): Restart | undefined;
}

const nothing = new Uint8Array();

/** Signs requests of one process. */
export class RequestSigner {
  readonly #sender: NodeProcessId;
  readonly #clock: Clock;
  readonly #requests: ClusterKey;
  readonly #responses: ClusterKey;
  #number = 0;

  /**
   * Creates a signer that has signed nothing.
   *
   * @param secret the cluster's; not empty
   * @param sender this process
   */
  constructor(secret: string, sender: NodeProcessId, clock: Clock) {
    this.#sender = sender;
    this.#clock = clock;
    this.#requests = new ClusterKey(secret, "request");
    this.#responses = new ClusterKey(secret, "response");
  }

  /**
   * Signs a request. A digest that it has already is kept; a stream without one is not covered.
   *
   * @param receiver the process that may take it
   */
  async sign(request: HttpRequest, receiver: NodeProcessId): Promise<SignedRequest> {
    const { method, path, body } = request;
    const headers = [...request.headers];
    if (!(body instanceof ReadableStream) && headerOf(headers, digestHeader) === undefined) {
      headers.push([digestHeader, await sha256(body ?? nothing)]);
    }
    const [now, wall] = [this.#clock.now(), this.#clock.wall()];
    const stamp = {
      sender: this.#sender,
      receiver,
      number: this.#number++,
      signedAt: Math.floor(wall),
    };
    const text = requestText(stamp, { start: `${method} ${path}`, headers });
    const mac = this.#requests.sign(text);
    headers.push([signatureHeader, writeRequestSignature(stamp, mac)]);
    return {
      request: { ...request, headers },
      verified: (response) => this.#verified(mac, method, response),
      restart: ({ headers }) => {
        const process = headerOf(headers, processHeader);
        if (process === undefined || process === receiver.process) return undefined;
        // Only the wall clock continues while this machine is suspended.
        const elapsedMs = Math.max(this.#clock.now() - now, this.#clock.wall() - wall);
        const uptimeMs = Number(headerOf(headers, uptimeHeader) ?? NaN);
        return { process, mayHaveRun: !(uptimeMs > elapsedMs) };
      },
    };
  }

  async #verified<R extends HttpResponse>(
    requestMac: string,
    method: string,
    response: R,
  ): Promise<R> {
    const { status, headers, body } = response;
    const mac = readResponseSignature(headerOf(headers, signatureHeader) ?? "");
    const text = responseText(requestMac, { start: String(status), headers });
    if (mac === undefined || !this.#responses.verify(text, mac)) {
      if (body instanceof ReadableStream) body.cancel().catch(() => {});
      throw new UnsignedResponse("is not signed with this cluster's secret", response);
    }
    const digest = headerOf(headers, digestHeader);
    if (digest === undefined || method === "HEAD") return response;
    if (body instanceof ReadableStream) return { ...response, body: checkedStream(body, digest) };
    if (await sha256(body) !== digest) {
      throw new UnsignedResponse("has a body that was changed in transit", response);
    }
    return response;
  }
}
