/**
 * Sends requests to other nodes, and tells from their answers what became of them.
 *
 * @module
 */

import * as v from "valibot";
import { type ErrorCode, errorCodes, ServerledgeError } from "../base/errors.ts";
import { isObject } from "../model/json.ts";
import { type Report, reportSchema } from "../model/invocation.ts";
import type { NodeRecord } from "../model/node.ts";
import type { HttpAnswer } from "../runtime/docker/http_exchange.ts";
import { hopHeaders } from "./hop_headers.ts";
import { BrokenExchange, PeerConnections } from "./peer_connection.ts";
import type { Forwarded } from "./peers.ts";

/** Answers that say that the peer cannot take this request and has not begun it: others may. */
const notForThisPeer: ReadonlySet<ErrorCode> = new Set([
  "UNAUTHORIZED",
  "FORBIDDEN",
  "ROUTE_UNKNOWN",
  "METHOD_NOT_ALLOWED",
  "FUNCTION_UNKNOWN",
  "RUNTIME_UNKNOWN",
]);

/** Sends requests to other nodes over connections that it keeps. */
export class PeerClient implements Disposable {
  readonly #secret: string;
  readonly #connections = new Map<string, PeerConnections>();

  /**
   * A client without connections yet.
   *
   * @param secret the cluster's; empty: requests are not signed
   */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /**
   * Sends a request and waits for the answer.
   *
   * @param peer where to
   * @param forwarded the request
   * @param signal the request is no longer wanted; bounds the wait
   * @throws `PEER_UNREACHABLE` if it surely never started there, `FUNCTION_CRASHED` if it may have
   *   and nobody knows, `CANCELLED` after the signal, or the peer's error
   */
  async send(peer: NodeRecord, forwarded: Forwarded, signal: AbortSignal): Promise<Report> {
    const request = this.#request(peer, forwarded);
    try {
      return reportOf(peer, await this.#to(peer.Url).exchange(request, signal));
    } catch (error) {
      if (signal.aborted) throw cancelled(peer, error);
      if (!(error instanceof BrokenExchange)) throw error;
      throw new ServerledgeError(
        "FUNCTION_CRASHED",
        `The connection to node ${peer.Id} broke before its answer; the function may have run there`,
        { cause: error },
      );
    }
  }

  /**
   * Closes the connections to nodes that are no more.
   *
   * @param urls of those that are
   */
  keepOnly(urls: ReadonlySet<string>): void {
    for (const [url, connections] of this.#connections) {
      if (urls.has(url)) continue;
      this.#connections.delete(url);
      connections.closeIdle();
    }
  }

  /** Closes all connections; requests under way break. */
  [Symbol.dispose](): void {
    for (const connections of this.#connections.values()) connections[Symbol.dispose]();
    this.#connections.clear();
  }

  #to(url: string): PeerConnections {
    let connections = this.#connections.get(url);
    if (!connections) this.#connections.set(url, connections = new PeerConnections(url));
    return connections;
  }

  #request(peer: NodeRecord, forwarded: Forwarded): Uint8Array {
    const { record, request, hopsLeft } = forwarded;
    const body = new TextEncoder().encode(
      JSON.stringify({ ...request, Async: false, CanDoOffloading: hopsLeft > 0 }),
    );
    const headers = {
      "host": new URL(peer.Url).host,
      "content-type": "application/json",
      "content-length": String(body.length),
      ...hopHeaders(forwarded, this.#secret),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = new TextEncoder().encode(
      `POST /invoke/${encodeURIComponent(record.Name)} HTTP/1.1\r\n${lines}\r\n`,
    );
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    return bytes;
  }
}

function reportOf(peer: NodeRecord, { status, body }: HttpAnswer): Report {
  const value = parsed(body);
  if (status === 200) {
    const report = v.safeParse(reportSchema, value);
    if (report.success) return report.output;
  }
  const code = isObject(value) ? errorCodes.find((code) => code === value.code) : undefined;
  if (status < 400 || code === undefined) {
    throw new ServerledgeError(
      "FUNCTION_CRASHED",
      `Node ${peer.Id} answered with status ${status} and no report; the function may have run there`,
    );
  }
  const { code: _, message, ...details } = value as Record<string, unknown>;
  if (notForThisPeer.has(code)) {
    throw new ServerledgeError("PEER_UNREACHABLE", `Node ${peer.Id} does not take it: ${message}`, {
      details: { peerCode: code },
    });
  }
  throw new ServerledgeError(code, String(message), { details });
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

function cancelled(peer: NodeRecord, cause: unknown): ServerledgeError {
  return new ServerledgeError("CANCELLED", `The request to node ${peer.Id} was called back`, {
    cause,
  });
}
