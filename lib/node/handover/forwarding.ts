/**
 * Requests that clients send on connections to the former process of a node, which passes them on to its
 * successor. The former process has checked the signatures of other nodes already.
 *
 * @module
 */

import * as v from "valibot";
import { errorAnswer } from "../../api/errors.ts";
import { readBody } from "../../balancer/request_body.ts";
import { randomId } from "../../base/ids.ts";
import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { HttpClient, type HttpResponse } from "../../http/client.ts";
import { NeverSent } from "../../http/failures.ts";
import type { HeaderPair } from "../../http/head.ts";
import { passesOn } from "../../http/passing.ts";
import {
  HeaderList,
  type HttpHandler,
  type IncomingRequest,
  type OutgoingResponse,
} from "../../http/server/messages.ts";
import { HttpServer } from "../../http/server/server.ts";
import type { ServerLimits } from "../../http/server/limits.ts";
import type { Endpoint } from "./link.ts";

/** Header with what the former process knows of a request. */
const passedHeader = "serverledge-passed";

const passedSchema = v.object({
  token: v.string(),
  client: v.string(),
  isSecure: v.boolean(),
  peer: v.optional(v.object({ id: v.string(), forClient: v.boolean() })),
});

/** Headers that the client of this process sets itself. */
const replacedHeaders: ReadonlySet<string> = new Set(["content-length", "expect", passedHeader]);

/**
 * Opens the endpoint of a successor: a server on loopback that admits only who knows its token.
 *
 * @param handle answers requests, except for the signatures of other nodes
 */
export function openEndpoint(
  handle: HttpHandler,
  limits: Partial<ServerLimits>,
): { readonly address: Endpoint; readonly server: HttpServer } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const token = randomId(32);
  const handler: HttpHandler = (request) => {
    const passed = passedIn(request, token);
    return passed ? handle(passed) : refuse(401, "This port is for the node's former process");
  };
  const server = new HttpServer({ sources: [listener], handler, refuse, limits });
  return { address: { url: `http://127.0.0.1:${listener.addr.port}`, token }, server };
}

/** Returns the original of a request that the former process has passed on; undefined for any other. */
function passedIn(request: IncomingRequest, token: string): IncomingRequest | undefined {
  try {
    const text = request.headers.get(passedHeader) ?? "";
    const { token: given, ...facts } = v.parse(passedSchema, JSON.parse(text));
    if (given !== token) return undefined;
    const { peer, ...known } = facts;
    const headers = new HeaderList(request.headers.pairs.filter(([name]) => name !== passedHeader));
    return { ...request, ...known, headers, ...(peer && { peer }) };
  } catch {
    return undefined;
  }
}

/** Passes requests on to the successor of this process. Disposing it breaks those in progress. */
export class Forwarder implements Disposable {
  readonly #client = new HttpClient();
  readonly #endpoint: Endpoint;

  /** Creates a client without connections. */
  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Handles a request by passing it on. */
  readonly handle: HttpHandler = async (request) => {
    const gone = new AbortController();
    request.onDisconnect(() => gone.abort());
    try {
      const response = await this.#client.open(
        this.#endpoint.url,
        {
          method: request.method,
          path: request.target,
          headers: this.#headers(request),
          body: await readBody(request),
        },
        gone.signal,
        () => {},
      );
      return outgoing(response, request.method);
    } catch (error) {
      return errorAnswer(failure(error)).outgoing;
    }
  };

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  #headers({ headers, client, isSecure, peer }: IncomingRequest): HeaderPair[] {
    const passes = passesOn(headers.get("connection"));
    const passed = headers.pairs.filter(([name]) => passes(name) && !replacedHeaders.has(name));
    const facts = { token: this.#endpoint.token, client, isSecure, peer };
    return [...passed, [passedHeader, JSON.stringify(facts)]];
  }
}

function outgoing({ status, headers, body }: HttpResponse, method: string): OutgoingResponse {
  const passes = passesOn(headers.find(([name]) => name === "connection")?.[1]);
  // The server delimits the body itself, if there is one.
  const isSet = (name: string) => name === "content-length" && method !== "HEAD";
  return { status, headers: headers.filter(([name]) => passes(name) && !isSet(name)), body };
}

function failure(error: unknown): ServerledgeError {
  if (!(error instanceof NeverSent)) return asServerledgeError(error);
  return new ServerledgeError(
    "SHUTTING_DOWN",
    "The node is being replaced, and its new process does not respond: try again",
    { cause: error },
  );
}

function refuse(status: number, message: string): OutgoingResponse {
  const code = status === 401 ? "UNAUTHORIZED" : "INVALID_REQUEST";
  return errorAnswer(new ServerledgeError(code, message)).outgoing;
}
