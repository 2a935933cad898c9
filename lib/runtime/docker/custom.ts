/**
 * The HTTP executor protocol that custom images serve: `POST /invoke` on port 8080, as the Go
 * project defined it, with the quirks of its executors: HTTP/1.0 replies that end with the
 * connection, replies without `Output` or `Result`.
 *
 * @module
 */

import { request } from "node:http";
import { connect } from "node:net";
import { ServerledgeError } from "../../base/errors.ts";
import { isObject } from "../../model/json.ts";
import type { Call, FunctionFailure, Reply } from "../environment.ts";

/** Longest reply, the same as on the executor channel. */
const maxReplyBytes = 64 << 20;
/** Longest part of a refusal that is shown. */
const maxShownBytes = 4096;
/** First and longest wait between two looks for a server that is starting. */
const minProbeMs = 5;
const maxProbeMs = 100;
/** Time in which a custom image has to accept connections. */
export const customReadyTimeoutMs = 30_000;
/**
 * How long a published port must stay connected to count as served: the engine's proxy accepts
 * first and hangs up when it finds that nobody listens behind it.
 */
const proxyVerdictMs = 10;

/** Where a custom image serves its protocol. */
export interface CustomAddress {
  /** IP address. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** True if the port is one of the host, published by the engine. */
  readonly published: boolean;
}

/**
 * Waits until the server accepts connections.
 *
 * @param address where
 * @param signal gives up waiting
 * @throws the signal's reason, or `INSTANCE_START_FAILED` after 30 s
 */
export async function awaitServer(address: CustomAddress, signal: AbortSignal): Promise<void> {
  const end = performance.now() + customReadyTimeoutMs;
  for (let wait = minProbeMs;; wait = Math.min(wait * 2, maxProbeMs)) {
    signal.throwIfAborted();
    if (await accepts(address)) return;
    if (performance.now() + wait > end) {
      throw new ServerledgeError(
        "INSTANCE_START_FAILED",
        "The custom image accepts no connection on port 8080: it must serve POST /invoke there",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Looks once whether the server accepts connections. */
function accepts({ host, port, published }: CustomAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (verdict: boolean) => {
      socket.destroy();
      resolve(verdict);
    };
    socket.setTimeout(maxProbeMs, () => settle(published && !socket.connecting));
    socket.once("connect", () => {
      if (!published) return settle(true);
      socket.setTimeout(proxyVerdictMs);
    });
    socket.once("error", () => settle(false));
    socket.once("end", () => settle(false));
    socket.once("close", () => settle(false));
    socket.resume();
  });
}

/** A call under way on a custom image. */
export interface CustomCall {
  /**
   * Rejects with `UNPROCESSABLE` where the reply breaks the protocol, and with
   * {@link ConnectionLost} where the connection ended without a whole reply.
   */
  readonly reply: Promise<Reply>;
  /** Closes the connection. */
  abort(): void;
}

/** The connection ended before the reply did. */
export class ConnectionLost extends Error {
  /** The class, for logs. */
  override readonly name = "ConnectionLost";
}

/**
 * Sends one call, once: it is never repeated, since it may have run.
 *
 * @param address where
 * @param call what to run
 */
export function callCustom(address: CustomAddress, call: Call): CustomCall {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const body = new TextEncoder().encode(JSON.stringify({
    Command: null,
    Params: call.params,
    Handler: "",
    HandlerDir: "",
    ReturnOutput: call.returnOutput,
  }));
  const sent = request({
    host: address.host,
    port: address.port,
    method: "POST",
    path: "/invoke",
    // A connection of its own for each call: a kept one may be closed just when it is used again.
    agent: false,
    headers: {
      "Content-Type": "application/json",
      "Content-Length": body.length,
      "Connection": "close",
    },
  }, (response) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    response.on("data", (part: Uint8Array) => {
      size += part.length;
      if (size <= maxReplyBytes) return parts.push(part);
      reject(broken(`is longer than ${maxReplyBytes} bytes`));
      sent.destroy();
    });
    response.on("error", (cause) => reject(new ConnectionLost(cause.message)));
    response.on("close", () => reject(new ConnectionLost("closed within the reply")));
    response.on("end", () => {
      if (!response.complete) return reject(new ConnectionLost("closed within the reply"));
      try {
        resolve(readCustomReply(response.statusCode ?? 0, new TextDecoder().decode(join(parts))));
      } catch (error) {
        reject(error);
      }
    });
  });
  sent.on("error", (cause) => reject(new ConnectionLost(cause.message)));
  sent.on("close", () => reject(new ConnectionLost("closed without a reply")));
  sent.end(body);
  return { reply: promise, abort: () => void sent.destroy() };
}

/**
 * Reads a reply of a custom image.
 *
 * @param status HTTP status; any but 200 is the function's failure
 * @param text its body
 * @throws `UNPROCESSABLE` where a reply with status 200 is not as the protocol wants it
 */
export function readCustomReply(status: number, text: string): Reply {
  const reply = parseReply(text);
  const output = typeof reply?.Output === "string" ? reply.Output : "";
  if (status !== 200) {
    const message = `The image answered with HTTP status ${status}`;
    const traceback = reply ? "" : text.slice(0, maxShownBytes);
    return { ok: false, failure: { type: "HttpStatus", message, traceback }, output };
  }
  if (!reply) throw broken("is not a JSON object");
  const { Success = false, Result } = reply;
  if (typeof Success !== "boolean") throw broken("has a Success that is not true or false");
  if (!Success) return { ok: false, failure: failure(reply.Error), output };
  if (Result !== undefined && Result !== null && typeof Result !== "string") {
    throw broken("has a Result that is not a string of JSON");
  }
  return { ok: true, result: Result ?? "", output };
}

function failure(error: unknown): FunctionFailure {
  const message = typeof error === "string" && error ? error : "The image reported a failure";
  return { type: "FunctionFailure", message, traceback: "" };
}

function parseReply(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function broken(how: string): ServerledgeError {
  return new ServerledgeError("UNPROCESSABLE", `The reply of the custom image ${how}`);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
