/**
 * Sends a request to a node, and to another one where the first surely did nothing with it.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { requestIdHeader } from "../cluster/peers/hop_headers.ts";
import { reportHeader } from "../cluster/peers/event_exchange.ts";
import { resourcesIn } from "../cluster/peers/resource_headers.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import { NeverSent } from "../http/failures.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { KnownResponse } from "../http/server/web.ts";
import { errorIn, warmExecutionIn } from "./answer.ts";
import { answerHeaders, type Client, requestHeaders } from "./forwarded_headers.ts";
import { type RequestBody, takeBody } from "./request_body.ts";
import type { Choice } from "./router.ts";
import type { Target, TargetTable } from "./target_table.ts";

/** Nodes that one request is sent to at most. */
export const maxAttempts = 4;

/** What kind of request it is, which tells what may be done when it fails. */
export type Kind =
  /** An invocation: the node's answer can be trusted, but not to be repeated once begun. */
  | "invocation"
  /** A function over HTTP: what the answer says may be the function's own words. */
  | "page"
  /** Anything else. */
  | "other";

/** A request to be forwarded. */
export interface Forwarding {
  /** The client's request. */
  readonly request: IncomingRequest;
  readonly kind: Kind;
  /** Chooses a node, but none of those tried; may look at the body. */
  readonly choose: (tried: ReadonlySet<string>, body: RequestBody) => Choice | undefined;
}

/** One attempt's end. */
interface Attempt {
  /** What the client gets, if this was the last attempt. */
  readonly answer: () => Response;
  /** True if the request surely did nothing and may be sent to another node. */
  readonly again: boolean;
  /** Id of the node that the one asked has named as the one to ask. */
  readonly referred?: string;
}

/** What the proxy tells of its work. */
export interface ProxyObserver {
  /** A request goes to another node. */
  retried(): void;
  /** A node could not be reached, or broke off: it should be looked after. */
  failed(target: Target): void;
}

/** Forwards requests. */
export class Proxy {
  readonly #id: string;
  readonly #client: HttpClient;
  readonly #table: TargetTable;
  readonly #observer: ProxyObserver;

  /**
   * @param id the balancer's
   * @param client sends to nodes
   * @param observer told what happens
   */
  constructor(id: string, client: HttpClient, table: TargetTable, observer: ProxyObserver) {
    this.#id = id;
    this.#client = client;
    this.#table = table;
    this.#observer = observer;
  }

  /**
   * Forwards a request.
   *
   * @param forwarding the request and how nodes are chosen for it
   * @returns the answer of the last node that was asked
   * @throws `NO_SUITABLE_NODE`, `PEER_UNREACHABLE`, `FUNCTION_CRASHED`, `CANCELLED`, `INTERNAL`
   */
  async forward(forwarding: Forwarding): Promise<Response> {
    const body = await takeBody(forwarding.request);
    const tried = new Set(visited(forwarding.request));
    let last: Attempt | undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const choice = this.#referred(last, tried) ?? forwarding.choose(tried, body);
      if (!choice) break;
      if (last) this.#observer.retried();
      tried.add(choice.target.record.id);
      last = await this.#attempt(forwarding, choice, body);
      if (!last.again) break;
    }
    if (!last) throw noNode(this.#table.all);
    return last.answer();
  }

  /** The node that another has named, if it is one of these. */
  #referred(last: Attempt | undefined, tried: ReadonlySet<string>): Choice | undefined {
    const id = last?.referred;
    const target = id === undefined || tried.has(id) ? undefined : this.#table.get(id);
    return target && { target, demand: { memoryMib: 0, cpu: 0 }, pull: undefined };
  }

  async #attempt(forwarding: Forwarding, choice: Choice, body: RequestBody): Promise<Attempt> {
    const { request } = forwarding;
    const { target, demand, pull } = choice;
    const passage = target.begin(demand);
    const abort = new AbortController();
    const giveUp = () => abort.abort();
    let hasLeft = false;
    request.onDisconnect(() => {
      hasLeft = true;
      giveUp();
    });
    passage.lost.addEventListener("abort", giveUp, { once: true });
    const ended = () => {
      passage[Symbol.dispose]();
      passage.lost.removeEventListener("abort", giveUp);
    };
    try {
      const sent = this.#message(forwarding, target, body);
      const { url } = target.record;
      const answer = await this.#client.open(url, sent, abort.signal, ended);
      return this.#answered(forwarding, choice, answer, body);
    } catch (error) {
      if (hasLeft) throw left(error);
      return this.#unanswered(forwarding, target, error, body);
    } finally {
      pull?.forget();
    }
  }

  #message({ request, kind }: Forwarding, { record }: Target, body: RequestBody) {
    const from: Client = { address: request.client, isPage: kind === "page" };
    return {
      method: request.method,
      path: request.target,
      headers: requestHeaders(request, from, new URL(record.url).host, this.#id),
      body,
    };
  }

  #answered(
    forwarding: Forwarding,
    { target, pull }: Choice,
    answer: HttpResponse,
    body: RequestBody,
  ): Attempt {
    const { kind } = forwarding;
    const resources = resourcesIn(answer.headers);
    if (resources) target.told(resources);
    if (kind === "invocation" && pull) {
      const execution = warmExecutionIn(answer);
      const arm = execution && this.#table.get(execution.node)?.record.architecture;
      if (arm) pull.reward(arm, execution.durationMs);
    }
    const error = isOwn(forwarding, answer) ? errorIn(answer) : undefined;
    const referred = error && referral(forwarding, error);
    if (error?.code === "SHUTTING_DOWN") target.failed("it is stopping");
    return {
      answer: () => new KnownResponse(answer.body, answer.status, answerHeaders(answer.headers)),
      again: referred !== undefined ||
        error !== undefined && mayAsk(forwarding, error) && isWhole(body),
      ...(referred !== undefined && { referred }),
    };
  }

  #unanswered(
    forwarding: Forwarding,
    target: Target,
    error: unknown,
    body: RequestBody,
  ): Attempt {
    const isUnsent = error instanceof NeverSent;
    target.failed(isUnsent ? "it accepts no connection" : "it broke off an answer");
    this.#observer.failed(target);
    const { kind } = forwarding;
    return {
      answer: () => {
        throw isUnsent ? unreachable(target, error) : broken(target, kind, error);
      },
      // Nothing of a stream is read before the head was sent.
      again: isUnsent || (isHarmless(forwarding) && isWhole(body)),
    };
  }
}

/**
 * True if an answer is the node's own word. With functions over HTTP it may be the function's, and
 * only a node that was asked by another node says which.
 */
function isOwn({ kind, request }: Forwarding, { headers }: HttpResponse): boolean {
  if (kind !== "page") return true;
  return request.headers.has(requestIdHeader) && !headers.some(([name]) => name === reportHeader);
}

/** True for a question: asking it again changes nothing. */
function isHarmless({ request: { method }, kind }: Forwarding): boolean {
  return kind === "other" && (method === "GET" || method === "HEAD");
}

/**
 * Whether another node may be asked after an answer with an error. While the registry is away each
 * node can tell only of the async invocations that it accepted itself.
 */
function mayAsk(forwarding: Forwarding, { elsewhere, code }: ServerledgeError): boolean {
  return elsewhere || (isHarmless(forwarding) && code === "REGISTRY_UNAVAILABLE");
}

/** The node that keeps a result, where another was asked for it. */
function referral(forwarding: Forwarding, { code, details }: ServerledgeError): string | undefined {
  const node = details?.node;
  const isReferral = isHarmless(forwarding) && code === "FORBIDDEN" && typeof node === "string";
  return isReferral ? node : undefined;
}

function isWhole(body: RequestBody): boolean {
  return !(body instanceof ReadableStream);
}

/** Nodes that have seen the request before it came here; they would refuse it. */
function visited({ headers }: IncomingRequest): string[] {
  return headers.get("serverledge-visited")?.split(",").map((id) => id.trim()) ?? [];
}

function noNode(all: readonly Target[]): ServerledgeError {
  const [first, ...others] = all.filter(({ isHealthy }) => !isHealthy);
  const more = others.length > 0 ? `, and ${others.length} more have problems` : "";
  const why = all.length === 0
    ? "none is registered"
    : first
    ? `node ${first.record.id}: ${first.problem}${more}`
    : "GET /status tells which there are";
  return new ServerledgeError(
    "NO_SUITABLE_NODE",
    `No node of this area can take the request now: ${why}`,
  );
}

function unreachable({ record }: Target, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "PEER_UNREACHABLE",
    `Node ${record.id} at ${record.url} accepts no connection, and no other can take the request`,
    { cause, details: { node: record.id } },
  );
}

function broken({ record }: Target, kind: Kind, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    kind === "other" ? "INTERNAL" : "FUNCTION_CRASHED",
    `Node ${record.id} broke off before it had answered: what was asked may have been done`,
    { cause, details: { node: record.id } },
  );
}

function left(cause: unknown): ServerledgeError {
  return new ServerledgeError("CANCELLED", "The client left before it was answered", { cause });
}
