/**
 * Sends requests to other nodes and interprets the responses.
 *
 * @module
 */

import * as v from "valibot";
import { timeLimit } from "../../base/async.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { type ErrorCode, errorCodes, ServerledgeError } from "../../base/errors.ts";
import { type MemoryReservation, reserveLong } from "../../base/reserve_memory.ts";
import { sliceBytes } from "../../base/slices.ts";
import type { HttpResponse, WholeResponse } from "../../http/client.ts";
import { BadMessage, ConnectionBroken, NeverSent, TlsFailed } from "../../http/failures.ts";
import type { HttpRequest } from "../../http/request.ts";
import { isObject } from "../../json/json.ts";
import { liftText } from "../../json/lift.ts";
import { QuotedText } from "../../json/quoted.ts";
import {
  type InvocationResult,
  reportNames,
  reportSchema,
  requestNames,
} from "../../model/invocation.ts";
import type { Trust } from "../../http/tls/trust.ts";
import type { NodeRecord } from "../../model/node.ts";
import type { RawHttpRequest } from "../../model/raw_http.ts";
import { surround } from "../../model/params.ts";
import { respondingNode } from "./responding_node.ts";
import { type RequestSigner, UnsignedResponse } from "../trust/request_signer.ts";
import { hopHeaders } from "./hop_headers.ts";
import { HeadTooLong, NodeClient, RestartedNode } from "./node_client.ts";
import { forwardedEvent, isForwardable, readEventResponse } from "./event_exchange.ts";
import type { Forwarded } from "./peers.ts";
import { type Resources, resourcesIn } from "./resource_headers.ts";

/**
 * Codes of responses that mean that the peer cannot take this request and has not started it, so
 * that others may. If a node behind the peer is unreachable, the peer itself is not.
 */
const declinedCodes: ReadonlySet<ErrorCode> = new Set([
  "PEER_UNREACHABLE",
  "PEER_DECLINED",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "ROUTE_UNKNOWN",
  "METHOD_NOT_ALLOWED",
  "FUNCTION_UNKNOWN",
  "FUNCTION_DAMAGED",
  "RUNTIME_UNKNOWN",
]);

/** Longest accepted response, bytes. */
const maxResponseBytes = 64 << 20;
/** Most bytes of a response apart from its long result; they are parsed at once. */
const maxRestBytes = 8 << 20;
/** Longest error response of a peer, bytes. */
const maxErrorBytes = 1 << 20;
/** Longest pause within a streamed response, ms. */
const stallMs = 60_000;
/** Longest wait for a response to a health check, ms. */
const healthTimeoutMs = 2_000;
/** Most requests in flight to one peer. */
const maxInFlight = 4096;

const decoder = new TextDecoder();

/** Sends requests to other nodes over persistent connections. */
export class PeerClient implements Disposable {
  readonly #clock: Clock;
  readonly #reserveResult: (() => MemoryReservation) | undefined;
  readonly #client: NodeClient;
  /** Number of requests in flight by peer URL. */
  readonly #inFlight = new Map<string, number>();

  /**
   * Creates a client without connections.
   *
   * @param signer signs the requests; undefined: they are not signed
   * @param clock measures pauses within responses
   * @param reserveResult opens the reservation of a long result, which grows as the result arrives
   * @param trust certificates of nodes that it accepts in addition to those of public authorities
   */
  constructor(
    signer?: RequestSigner,
    clock: Clock = systemClock,
    reserveResult?: () => MemoryReservation,
    trust?: Trust,
  ) {
    this.#client = new NodeClient(signer, trust);
    this.#clock = clock;
    this.#reserveResult = reserveResult;
  }

  /**
   * Sends a request and waits for the response; for a large response of a function over plain HTTP,
   * only for its beginning.
   *
   * @param signal cancels the request; bounds the wait
   * @param onResources receives the resources that the peer reports with any response
   * @throws `PEER_UNREACHABLE` or `PEER_DECLINED` if it did not start there, `NODE_SATURATED` if
   *   too many requests are in flight there, `FUNCTION_ERROR` if there is no memory for the result,
   *   `FUNCTION_CRASHED` if it may have started and the
   *   outcome is unknown, `CANCELLED` after the signal, or the peer's error
   */
  async send(
    peer: NodeRecord,
    forwarded: Forwarded,
    signal: AbortSignal,
    onResources: (resources: Resources) => void = () => {},
  ): Promise<InvocationResult> {
    const { url } = peer;
    const count = this.#inFlight.get(url) ?? 0;
    if (count >= maxInFlight) throw saturated(peer);
    this.#inFlight.set(url, count + 1);
    try {
      const { httpRequest } = forwarded;
      return isForwardable(httpRequest)
        ? await this.#sendEvent(peer, forwarded, httpRequest, signal, onResources)
        : await this.#sendInvocation(peer, forwarded, signal, onResources);
    } catch (error) {
      throw signal.aborted ? cancelled(peer, error) : toServerledgeError(peer, error);
    } finally {
      const remaining = this.#inFlight.get(url)! - 1;
      if (remaining > 0) this.#inFlight.set(url, remaining);
      else this.#inFlight.delete(url);
    }
  }

  /**
   * Checks the health of a node.
   *
   * @param signals cancel the check
   * @returns the status of its response; undefined if it does not respond within 2 s, or another
   *   node does
   */
  async health(
    node: NodeRecord,
    ...signals: readonly AbortSignal[]
  ): Promise<number | undefined> {
    using limit = timeLimit(this.#clock, healthTimeoutMs, ...signals);
    try {
      const { status, body } = await this.#client.get(
        node,
        "/healthz",
        limit.signal,
        maxErrorBytes,
      );
      return (respondingNode(body) ?? node.id) === node.id ? status : undefined;
    } catch {
      return undefined;
    }
  }

  /** True if a node responds within 2 s, healthy or not. */
  async isAlive(node: NodeRecord): Promise<boolean> {
    return await this.health(node) !== undefined;
  }

  /**
   * Closes the connections to removed nodes, each when its request has ended.
   *
   * @param urls of the current nodes
   */
  keepOnly(urls: ReadonlySet<string>): void {
    this.#client.keepOnly(urls);
  }

  /** Closes all connections; requests in flight fail. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #sendInvocation(
    peer: NodeRecord,
    forwarded: Forwarded,
    signal: AbortSignal,
    onResources: (resources: Resources) => void,
  ): Promise<InvocationResult> {
    using owned = new DisposableStack();
    const held = this.#reserveResult && owned.use(this.#reserveResult());
    const response = await this.#client.ask(
      peer,
      this.#request(peer, forwarded),
      signal,
      maxResponseBytes,
      held && reserveLong(held),
    );
    reportResources(response, onResources);
    const { report, ...rest } = await resultOf(peer, response);
    if (!held || !(report.result instanceof QuotedText)) return { report, ...rest };
    const result = new QuotedText(report.result.json, owned.move());
    return { report: { ...report, result }, ...rest };
  }

  async #sendEvent(
    peer: NodeRecord,
    forwarded: Forwarded,
    httpRequest: RawHttpRequest,
    signal: AbortSignal,
    onResources: (resources: Resources) => void,
  ): Promise<InvocationResult> {
    const control = new AbortController();
    const giveUp = () => control.abort();
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    const request = forwardedEvent(httpRequest, hopHeaders(forwarded));
    const response = await this.#client.open(peer, request, control.signal, () => {
      signal.removeEventListener("abort", giveUp);
    });
    reportResources(response, onResources);
    const { body } = response;
    const whole = body instanceof ReadableStream
      ? withStallTimeout(body, this.#clock, giveUp)
      : body;
    const result = readEventResponse({ ...response, body: whole });
    return result ?? await resultOf(peer, { ...response, body: await errorBody(whole) });
  }

  #request(peer: NodeRecord, forwarded: Forwarded): HttpRequest {
    const { record, request: { params, ...request }, hopsLeft } = forwarded;
    const rest = JSON.stringify(
      requestNames.toWire({ ...request, isAsync: false, canOffload: hopsLeft > 0 }),
    );
    return {
      method: "POST",
      path: `/invoke/${encodeURIComponent(record.name)}`,
      headers: [
        ["host", new URL(peer.url).host],
        ["content-type", "application/json"],
        ...hopHeaders(forwarded),
      ],
      body: surround('{"Params":', params.json, `,${rest.slice(1)}`),
    };
  }
}

function reportResources(
  { headers }: HttpResponse,
  onResources: (resources: Resources) => void,
): void {
  const resources = resourcesIn(headers);
  if (resources) onResources(resources);
}

/** Makes a stream fail if no data arrives for too long. */
function withStallTimeout(
  stream: ReadableStream<Uint8Array>,
  clock: Clock,
  giveUp: () => void,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      const cancel = clock.after(stallMs, giveUp);
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } finally {
        cancel();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Reads a peer's error response; empty if it is too long. */
async function errorBody(
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > maxErrorBytes) return new Uint8Array();
    parts.push(part.slice());
  }
  return await new Blob(parts).bytes();
}

async function resultOf(
  peer: NodeRecord,
  { status, body }: WholeResponse,
): Promise<InvocationResult> {
  const { value, long } = await parsedResponse(body);
  if (status === 200) {
    const report = v.safeParse(reportSchema, value);
    if (report.success) {
      const read = reportNames.fromWire(report.output);
      return { report: long ? { ...read, result: long } : read };
    }
  }
  const code = isObject(value) ? errorCodes.find((code) => code === value.code) : undefined;
  if (status < 400 || code === undefined) {
    throw new ServerledgeError(
      "FUNCTION_CRASHED",
      `Node ${peer.id} responded with status ${status} and without a report; the function ` +
        "may have run there",
    );
  }
  const { code: _, message, ...details } = value as Record<string, unknown>;
  if (declinedCodes.has(code)) {
    throw new ServerledgeError(
      "PEER_DECLINED",
      `Node ${peer.id} declined the request: ${message}`,
      {
        details: { peerCode: code },
      },
    );
  }
  throw new ServerledgeError(code, String(message), { details });
}

/**
 * Parses a response, a long one without its result; empty if it is not JSON or the rest is too
 * large.
 */
async function parsedResponse(
  body: Uint8Array<ArrayBuffer>,
): Promise<{ value?: unknown; long?: QuotedText }> {
  try {
    if (body.length <= sliceBytes) return { value: JSON.parse(decoder.decode(body)) };
    const { rest, text } = await liftText(body, "Result", maxRestBytes);
    return { value: JSON.parse(rest), long: text };
  } catch {
    return {};
  }
}

function toServerledgeError(peer: NodeRecord, error: unknown): unknown {
  if (error instanceof TlsFailed) {
    return new ServerledgeError(
      "PEER_UNREACHABLE",
      `Cannot agree on TLS with node ${peer.id} at ${peer.url} (check cluster.tls.ca): ` +
        error.message,
      { cause: error },
    );
  }
  if (error instanceof NeverSent) {
    return new ServerledgeError(
      "PEER_UNREACHABLE",
      `No connection to node ${peer.id} at ${peer.url}: check that it runs and is reachable`,
      { cause: error },
    );
  }
  if (error instanceof UnsignedResponse) {
    return new ServerledgeError(
      "FUNCTION_CRASHED",
      `The response at ${peer.url} is not signed by node ${peer.id} (${error.said}); the function ` +
        "may have run there",
      { cause: error },
    );
  }
  if (error instanceof HeadTooLong) {
    return new ServerledgeError(
      "PEER_DECLINED",
      `Cannot send the request to node ${peer.id}: ${error.message}`,
      { cause: error },
    );
  }
  if (error instanceof RestartedNode) {
    return new ServerledgeError(
      error.mayHaveRun ? "FUNCTION_CRASHED" : "PEER_DECLINED",
      error.mayHaveRun
        ? `Node ${peer.id} restarted before the response; the function may have run there`
        : `Node ${peer.id} has restarted and did not take the request`,
      { cause: error },
    );
  }
  if (!(error instanceof ConnectionBroken || error instanceof BadMessage)) return error;
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    `The connection to node ${peer.id} broke before the response; the function may have run there`,
    { cause: error },
  );
}

function saturated(peer: NodeRecord): ServerledgeError {
  return new ServerledgeError(
    "NODE_SATURATED",
    `${maxInFlight} requests are in flight to node ${peer.id}, the maximum`,
  );
}

function cancelled(peer: NodeRecord, cause: unknown): ServerledgeError {
  return new ServerledgeError("CANCELLED", `The request to node ${peer.id} was cancelled`, {
    cause,
  });
}
