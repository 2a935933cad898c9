/**
 * Forwards a request to a node, and to another one if the first did not start it.
 *
 * @module
 */

import { jsonAnswer } from "../api/headers.ts";
import { ServerledgeError } from "../base/errors.ts";
import { requestIdHeader } from "../cluster/peers/hop_headers.ts";
import { reportHeader } from "../cluster/peers/event_exchange.ts";
import { resourcesIn } from "../cluster/peers/resource_headers.ts";
import { HeadTooLong, type NodeClient, RestartedNode } from "../cluster/peers/node_client.ts";
import { UnsignedResponse } from "../cluster/trust/request_signer.ts";
import type { HttpResponse } from "../http/client.ts";
import { NeverSent } from "../http/failures.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { KnownResponse } from "../http/server/web.ts";
import type { NodeRecord } from "../model/node.ts";
import { codedErrorIn, warmExecutionIn } from "./response.ts";
import { failureText } from "./failure_text.ts";
import { type Client, requestHeaders, responseHeaders } from "./forwarded_headers.ts";
import { readBody, type RequestBody } from "./request_body.ts";
import type { Choice } from "./router.ts";
import type { Target, TargetTable } from "./target_table.ts";

/** Most nodes that one request is sent to. */
export const maxAttempts = 4;

/** Kind of a request, which determines how failures are handled. */
export type Kind =
  /**
   * An invocation: the node's response can be trusted, but the request must not be repeated once
   * started.
   */
  | "invocation"
  /** A function over plain HTTP: the response may be the function's own. */
  | "page"
  /** Any other request. */
  | "other";

/** A request to be forwarded. */
export interface Forwarding {
  readonly request: IncomingRequest;
  readonly kind: Kind;
  /** Chooses a node that was not tried; may read the body. */
  readonly choose: (tried: ReadonlySet<string>, body: RequestBody) => Choice | undefined;
}

/** Outcome of one attempt. */
interface Attempt {
  /** Response to the client if this was the last attempt. */
  readonly response: () => Response;
  /** True if the request was not started and may be sent to another node. */
  readonly mayRetry: boolean;
  /** Id of the node to which this one referred the request. */
  readonly referredTo?: string;
}

/** Is notified of the proxy's work. */
export interface ProxyObserver {
  /** A request is sent to another node. */
  retried(): void;
  /** A node could not be reached, or the connection broke: its health must be checked. */
  failed(target: Target): void;
}

/** Forwards requests to nodes. */
export class Proxy {
  readonly #id: string;
  readonly #client: NodeClient;
  readonly #table: TargetTable;
  readonly #observer: ProxyObserver;

  /**
   * Creates a proxy that has forwarded nothing.
   *
   * @param id the balancer's
   * @param observer receives retries and failures of nodes
   */
  constructor(id: string, client: NodeClient, table: TargetTable, observer: ProxyObserver) {
    this.#id = id;
    this.#client = client;
    this.#table = table;
    this.#observer = observer;
  }

  /**
   * Forwards a request.
   *
   * @returns the response of the last node that was tried
   * @throws `NO_SUITABLE_NODE`, `PEER_UNREACHABLE`, `FUNCTION_CRASHED`, `CANCELLED`, `INTERNAL`
   */
  async forward(forwarding: Forwarding): Promise<Response> {
    const body = await readBody(forwarding.request);
    const tried = new Set(visited(forwarding.request));
    let last: Attempt | undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const choice = this.#referredTarget(last, tried) ?? forwarding.choose(tried, body);
      if (!choice) break;
      if (last) this.#observer.retried();
      tried.add(choice.target.record.id);
      last = await this.#attempt(forwarding, choice, body);
      if (!last.mayRetry) break;
    }
    if (!last) throw noNodeAvailable(this.#table.all);
    return last.response();
  }

  /** The node to which another one referred the request, if it is a target. */
  #referredTarget(last: Attempt | undefined, tried: ReadonlySet<string>): Choice | undefined {
    const id = last?.referredTo;
    const target = id === undefined || tried.has(id) ? undefined : this.#table.get(id);
    if (target?.distrust !== undefined) return undefined;
    return target && { target, demand: { memoryMib: 0, cpu: 0 }, pull: undefined };
  }

  async #attempt(forwarding: Forwarding, choice: Choice, body: RequestBody): Promise<Attempt> {
    const { request } = forwarding;
    const { target, demand, pull } = choice;
    const proxied = target.startRequest(demand);
    const abort = new AbortController();
    const giveUp = () => abort.abort();
    let disconnected = false;
    request.onDisconnect(() => {
      disconnected = true;
      giveUp();
    });
    proxied.lost.addEventListener("abort", giveUp, { once: true });
    const ended = () => {
      proxied[Symbol.dispose]();
      proxied.lost.removeEventListener("abort", giveUp);
    };
    try {
      const sent = this.#message(forwarding, target, body);
      const response = await this.#client.open(target.record, sent, abort.signal, ended);
      return this.#onResponse(forwarding, choice, response, body);
    } catch (error) {
      if (disconnected) throw clientDisconnected(error);
      return this.#onFailure(forwarding, target, error, body);
    } finally {
      pull?.forget();
    }
  }

  #message({ request, kind }: Forwarding, { record }: Target, body: RequestBody) {
    const from: Client = { address: request.client, isPlainHttp: kind === "page" };
    return {
      method: request.method,
      path: request.target,
      headers: requestHeaders(request, from, new URL(record.url).host, this.#id),
      body,
    };
  }

  #onResponse(
    forwarding: Forwarding,
    { target, pull }: Choice,
    response: HttpResponse,
    body: RequestBody,
  ): Attempt {
    const { kind, request: { peer } } = forwarding;
    const headers = responseHeaders(response.headers, peer !== undefined);
    const resources = resourcesIn(response.headers);
    if (resources) target.updateResources(resources);
    if (kind === "invocation" && pull) {
      const execution = warmExecutionIn(response);
      const arm = execution && this.#table.get(execution.node)?.record.architecture;
      if (arm) pull.reward(arm, execution.durationMs);
    }
    const error = isFromNode(forwarding, response) ? codedErrorIn(response) : undefined;
    const referred = error && referral(forwarding, error);
    if (error?.code === "SHUTTING_DOWN") target.markUnhealthy("it is shutting down");
    return {
      response: () => new KnownResponse(response.body, response.status, headers),
      mayRetry: referred !== undefined ||
        error !== undefined && mayRetry(forwarding, error) && isBuffered(body),
      ...(referred !== undefined && { referredTo: referred }),
    };
  }

  #onFailure(
    forwarding: Forwarding,
    target: Target,
    error: unknown,
    body: RequestBody,
  ): Attempt {
    if (error instanceof HeadTooLong) {
      return { response: () => headTooLong(error), mayRetry: false };
    }
    const isUnsent = error instanceof NeverSent;
    // A proxy in front of the node may have written the response because of the client's request.
    if (!(error instanceof UnsignedResponse)) target.markUnhealthy(failureText(error));
    this.#observer.failed(target);
    const { kind } = forwarding;
    return {
      response: () => {
        if (error instanceof RestartedNode && !error.mayHaveRun) throw restarted(target, error);
        throw isUnsent ? unreachable(target, error) : connectionBroken(target, kind, error);
      },
      // A stream is not read before the head was sent.
      mayRetry: isUnsent || (isReadOnly(forwarding) && isBuffered(body)),
    };
  }
}

/**
 * True if a response is the node's own. For plain HTTP it may be the function's, and only a node
 * that received the request from another node says which.
 */
function isFromNode({ kind, request }: Forwarding, { headers }: HttpResponse): boolean {
  if (kind !== "page") return true;
  return request.headers.has(requestIdHeader) && !headers.some(([name]) => name === reportHeader);
}

/** True for a read-only request, which can be repeated. */
function isReadOnly({ request: { method }, kind }: Forwarding): boolean {
  return kind === "other" && (method === "GET" || method === "HEAD");
}

/**
 * Whether another node may be tried after an error. While the registry is unavailable, each node
 * knows only the asynchronous invocations that it accepted itself.
 */
function mayRetry(forwarding: Forwarding, { elsewhere, code }: ServerledgeError): boolean {
  return elsewhere || (isReadOnly(forwarding) && code === "REGISTRY_UNAVAILABLE");
}

/** The node that stores a result, if another one was asked for it. */
function referral(forwarding: Forwarding, { code, details }: ServerledgeError): string | undefined {
  const node = details?.node;
  const isReferral = isReadOnly(forwarding) && code === "FORBIDDEN" && typeof node === "string";
  return isReferral ? node : undefined;
}

function isBuffered(body: RequestBody): boolean {
  return !(body instanceof ReadableStream);
}

/** Nodes that have received the request before; they would reject it. */
function visited({ headers }: IncomingRequest): string[] {
  return headers.get("serverledge-visited")?.split(",").map((id) => id.trim()) ?? [];
}

function noNodeAvailable(all: readonly Target[]): ServerledgeError {
  const [first, ...others] = all.filter(({ isHealthy }) => !isHealthy);
  const more = others.length > 0 ? `, and ${others.length} more have problems` : "";
  const why = all.length === 0
    ? "no node is registered"
    : first
    ? `node ${first.record.id}: ${first.problem}${more}`
    : "GET /status lists them";
  return new ServerledgeError(
    "NO_SUITABLE_NODE",
    `No node of this area can accept the request now: ${why}`,
  );
}

function unreachable({ record }: Target, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "PEER_UNREACHABLE",
    `Node ${record.id} at ${record.url} cannot be reached: ${failureText(cause)}; no other node ` +
      "can accept the request",
    { cause, details: { node: record.id } },
  );
}

function restarted({ record }: Target, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "PEER_DECLINED",
    `Node ${record.id} has restarted and did not take the request: send it again`,
    { cause, details: { node: record.id } },
  );
}

function connectionBroken({ record }: Target, kind: Kind, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    kind === "other" ? "INTERNAL" : "FUNCTION_CRASHED",
    `${brokenText(record, cause)}: the request may have been processed`,
    { cause, details: { node: record.id } },
  );
}

function brokenText({ id, url }: NodeRecord, cause: unknown): string {
  if (cause instanceof UnsignedResponse) {
    return `The response at ${url} is not signed by node ${id} (${cause.said})`;
  }
  if (cause instanceof RestartedNode) return `Node ${id} restarted before the response`;
  return `The connection to node ${id} broke before the response`;
}

function headTooLong({ message }: HeadTooLong): Response {
  return jsonAnswer({ code: "INVALID_REQUEST", message }, 431);
}

function clientDisconnected(cause: unknown): ServerledgeError {
  return new ServerledgeError("CANCELLED", "The client disconnected before the response", {
    cause,
  });
}
