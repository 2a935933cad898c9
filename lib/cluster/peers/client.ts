/**
 * Sends requests to other nodes, and tells from their answers what became of them.
 *
 * @module
 */

import * as v from "valibot";
import { type Clock, systemClock } from "../../base/clock.ts";
import { type ErrorCode, errorCodes, ServerledgeError } from "../../base/errors.ts";
import { sliceBytes } from "../../base/slices.ts";
import { HttpClient, type HttpResponse, type WholeResponse } from "../../http/client.ts";
import { BadMessage, ConnectionBroken, NeverSent } from "../../http/failures.ts";
import type { HttpRequest } from "../../http/request.ts";
import { isObject } from "../../json/json.ts";
import { liftText } from "../../json/lift.ts";
import type { QuotedText } from "../../json/quoted.ts";
import {
  type InvocationResult,
  reportFromWire,
  reportSchema,
  requestToWire,
} from "../../model/invocation.ts";
import type { NodeRecord } from "../../model/node.ts";
import type { PageRequest } from "../../model/page.ts";
import { surround } from "../../model/params.ts";
import { answeringNode } from "./answering_node.ts";
import { hopHeaders } from "./hop_headers.ts";
import { goesAsItCame, pageReport, pageRequest } from "./page_exchange.ts";
import type { Forwarded } from "./peers.ts";
import { type Resources, resourcesIn } from "./resource_headers.ts";

/**
 * Answers that say that the peer cannot take this request and has not begun it: others may. That one
 * behind it cannot be reached says nothing against the peer itself.
 */
const notForThisPeer: ReadonlySet<ErrorCode> = new Set([
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

/** Longest answer that is taken, bytes. */
const maxAnswerBytes = 64 << 20;
/** Most bytes of it beside a long result, which are parsed at once. */
const maxRestBytes = 8 << 20;
/** Longest answer of a peer's own in place of a function's, bytes. */
const maxErrorBytes = 1 << 20;
/** Longest pause within a streamed answer, ms. */
const stallMs = 60_000;
/** Longest wait for an answer to a health check, ms. */
const healthTimeoutMs = 2_000;
/** Most requests on the way to one peer. */
const maxUnderWay = 4096;

const decoder = new TextDecoder();

/** Sends requests to other nodes over connections that it keeps. */
export class PeerClient implements Disposable {
  readonly #secret: string;
  readonly #clock: Clock;
  readonly #client = new HttpClient();
  /** How many are on the way to each peer. */
  readonly #underWay = new Map<string, number>();

  /**
   * A client without connections yet.
   *
   * @param secret the cluster's; empty: requests are not signed
   * @param clock times the pauses within answers
   */
  constructor(secret: string, clock: Clock = systemClock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /**
   * Sends a request and waits for the answer; if that is a large one of a function over plain HTTP,
   * for its beginning.
   *
   * @param peer where to
   * @param forwarded the request
   * @param signal the request is no longer wanted; bounds the wait
   * @param told hears what the peer tells of its resources with its answer, whatever that is
   * @throws `PEER_UNREACHABLE` or `PEER_DECLINED` if it surely never started there, `NODE_SATURATED` if too many are
   *   on the way there, `FUNCTION_CRASHED` if it may have started and nobody knows, `CANCELLED` after
   *   the signal, or the peer's error
   */
  async send(
    peer: NodeRecord,
    forwarded: Forwarded,
    signal: AbortSignal,
    told: (resources: Resources) => void = () => {},
  ): Promise<InvocationResult> {
    const { url } = peer;
    const underWay = this.#underWay.get(url) ?? 0;
    if (underWay >= maxUnderWay) throw saturated(peer);
    this.#underWay.set(url, underWay + 1);
    try {
      const { page } = forwarded;
      return goesAsItCame(page)
        ? await this.#askPage(peer, forwarded, page, signal, told)
        : await this.#ask(peer, forwarded, signal, told);
    } catch (error) {
      throw signal.aborted ? cancelled(peer, error) : translated(peer, error);
    } finally {
      const left = this.#underWay.get(url)! - 1;
      if (left > 0) this.#underWay.set(url, left);
      else this.#underWay.delete(url);
    }
  }

  /**
   * Asks a peer for its health, whatever that is.
   *
   * @returns false if it does not answer within 2 s, or another node does
   */
  async isAlive({ id, url }: NodeRecord): Promise<boolean> {
    const control = new AbortController();
    const cancel = this.#clock.after(healthTimeoutMs, () => control.abort());
    const headers = [["host", new URL(url).host]] as const;
    const request = { method: "GET", path: "/healthz", headers, body: undefined };
    try {
      const { body } = await this.#client.ask(url, request, control.signal, maxErrorBytes);
      return (answeringNode(body) ?? id) === id;
    } catch {
      return false;
    } finally {
      cancel();
    }
  }

  /**
   * Closes the connections to nodes that are no more, each when its request has ended.
   *
   * @param urls of those that are
   */
  keepOnly(urls: ReadonlySet<string>): void {
    this.#client.keepOnly(urls);
  }

  /** Closes all connections; requests under way break. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #ask(
    peer: NodeRecord,
    forwarded: Forwarded,
    signal: AbortSignal,
    told: (resources: Resources) => void,
  ): Promise<InvocationResult> {
    const request = this.#request(peer, forwarded);
    const answer = await this.#client.ask(peer.url, request, signal, maxAnswerBytes);
    hear(answer, told);
    return await resultOf(peer, answer);
  }

  async #askPage(
    peer: NodeRecord,
    forwarded: Forwarded,
    page: PageRequest,
    signal: AbortSignal,
    told: (resources: Resources) => void,
  ): Promise<InvocationResult> {
    const control = new AbortController();
    const giveUp = () => control.abort();
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    const request = pageRequest(page, Object.entries(hopHeaders(forwarded, this.#secret)));
    const answer = await this.#client.open(peer.url, request, control.signal, () => {
      signal.removeEventListener("abort", giveUp);
    });
    hear(answer, told);
    const { body } = answer;
    const whole = body instanceof ReadableStream ? livelyStream(body, this.#clock, giveUp) : body;
    const result = pageReport({ ...answer, body: whole });
    return result ?? await resultOf(peer, { ...answer, body: await wordsIn(whole) });
  }

  #request(peer: NodeRecord, forwarded: Forwarded): HttpRequest {
    const { record, request: { params, ...request }, hopsLeft } = forwarded;
    const rest = JSON.stringify(
      requestToWire({ ...request, isAsync: false, canOffload: hopsLeft > 0 }),
    );
    return {
      method: "POST",
      path: `/invoke/${encodeURIComponent(record.name)}`,
      headers: [
        ["host", new URL(peer.url).host],
        ["content-type", "application/json"],
        ...Object.entries(hopHeaders(forwarded, this.#secret)),
      ],
      body: surround('{"Params":', params.json, `,${rest.slice(1)}`),
    };
  }
}

function hear({ headers }: HttpResponse, told: (resources: Resources) => void): void {
  const resources = resourcesIn(headers);
  if (resources) told(resources);
}

/** A stream that breaks if nothing comes for too long. */
function livelyStream(
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

/** What a peer says for itself; nothing if it says too much. */
async function wordsIn(
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
  const { value, long } = await parsed(body);
  if (status === 200) {
    const report = v.safeParse(reportSchema, value);
    if (report.success) {
      const read = reportFromWire(report.output);
      return { report: long ? { ...read, result: long } : read };
    }
  }
  const code = isObject(value) ? errorCodes.find((code) => code === value.code) : undefined;
  if (status < 400 || code === undefined) {
    throw new ServerledgeError(
      "FUNCTION_CRASHED",
      `Node ${peer.id} answered with status ${status} and no report; the function may have run there`,
    );
  }
  const { code: _, message, ...details } = value as Record<string, unknown>;
  if (notForThisPeer.has(code)) {
    throw new ServerledgeError("PEER_DECLINED", `Node ${peer.id} does not take it: ${message}`, {
      details: { peerCode: code },
    });
  }
  throw new ServerledgeError(code, String(message), { details });
}

/** An answer's JSON, of a long one without its result; nothing if it is none, or holds too much else. */
async function parsed(
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

function translated(peer: NodeRecord, error: unknown): unknown {
  if (error instanceof NeverSent) {
    return new ServerledgeError(
      "PEER_UNREACHABLE",
      `No connection to node ${peer.id} at ${peer.url}: see that it runs and can be reached`,
      { cause: error },
    );
  }
  if (!(error instanceof ConnectionBroken || error instanceof BadMessage)) return error;
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    `The connection to node ${peer.id} broke before its answer; the function may have run there`,
    { cause: error },
  );
}

function saturated(peer: NodeRecord): ServerledgeError {
  return new ServerledgeError(
    "NODE_SATURATED",
    `${maxUnderWay} requests are on their way to node ${peer.id} already: it is to answer them first`,
  );
}

function cancelled(peer: NodeRecord, cause: unknown): ServerledgeError {
  return new ServerledgeError("CANCELLED", `The request to node ${peer.id} was called back`, {
    cause,
  });
}
