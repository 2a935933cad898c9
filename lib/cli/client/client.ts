/**
 * The HTTP client of the commands.
 *
 * @module
 */

import { type ErrorCode, errorCodes, ServerledgeError } from "../../base/errors.ts";
import { HttpClient, type WholeResponse } from "../../http/client.ts";
import { ConnectionBroken, TooLong } from "../../http/failures.ts";
import type { HttpRequest } from "../../http/request.ts";
import type { Trust } from "../../http/tls/trust.ts";
import { isObject, tryParseJson } from "../../json/json.ts";
import { authority, type Endpoint, urlOf } from "./endpoint.ts";
import { unreachable } from "./unreachable.ts";
import { counted, type Sent } from "./upload.ts";

/** Maximum time of a call to which a node can respond at once, ms. */
const answerTimeoutMs = 30_000;
/** Maximum size of a response, bytes; no response is longer than the result of a function. */
const maxAnswerBytes = 1 << 28;
/** Maximum time to establish a connection, which may lead through a slow network, ms. */
const connectTimeoutMs = 15_000;

const decoder = new TextDecoder();

/** Response of a node. */
export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** Body as text. */
  readonly text: string;
  /** Body as parsed JSON; undefined if it is not JSON. */
  readonly json: unknown;
}

/** Options of a call. */
export interface CallOptions {
  /** Maximum time until the end of the response, ms. */
  readonly timeoutMs?: number;
  /** Aborts the call, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** Options of a call with a body. */
export interface PostOptions extends CallOptions {
  /** Receives the number of bytes sent and their total; the request then has no `Content-Length`. */
  readonly sent?: Sent;
}

/** Options of a client. */
export interface ClientOptions {
  /** Receives each request and the status of its response. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Certificates that are accepted in addition to those of public authorities. */
  readonly trust?: Trust | undefined;
}

/**
 * HTTP client of one node; disposal closes its connections. It ignores a web proxy of the environment:
 * nodes belong to the user, and a proxy cannot reach this machine's loopback address.
 */
export class NodeClient implements Disposable {
  readonly #endpoint: Endpoint;
  readonly #url: string;
  readonly #http: HttpClient;
  readonly #trace: (line: string) => void;

  /** Creates a client without connections. */
  constructor(endpoint: Endpoint, { trace = () => {}, trust }: ClientOptions = {}) {
    this.#endpoint = endpoint;
    this.#url = urlOf(endpoint);
    this.#trace = trace;
    this.#http = new HttpClient({ trust, connectTimeoutMs });
  }

  /**
   * Sends a GET request.
   *
   * @throws the node's error, `PEER_UNREACHABLE` or `DEADLINE_EXCEEDED`
   */
  async get(path: string, options?: CallOptions): Promise<Answer> {
    return await this.#call("GET", path, undefined, options);
  }

  /**
   * Sends JSON in a POST request.
   *
   * @throws the node's error, `PEER_UNREACHABLE` or `DEADLINE_EXCEEDED`
   */
  post(path: string, body: unknown, options: PostOptions = {}): Promise<Answer> {
    return this.#send("POST", path, body, options);
  }

  /**
   * Sends changes in a PATCH request.
   *
   * @param path path and query
   * @param changes value that is sent as JSON
   * @param options limits of the call
   * @throws the node's error, `PEER_UNREACHABLE` or `DEADLINE_EXCEEDED`
   */
  patch(path: string, changes: unknown, options: PostOptions = {}): Promise<Answer> {
    return this.#send("PATCH", path, changes, options);
  }

  /**
   * Sends JSON in a PUT request.
   *
   * @throws the node's error, `PEER_UNREACHABLE` or `DEADLINE_EXCEEDED`
   */
  put(path: string, body: unknown): Promise<Answer> {
    return this.#send("PUT", path, body, {});
  }

  /**
   * Sends a DELETE request.
   *
   * @throws the node's error, `PEER_UNREACHABLE` or `DEADLINE_EXCEEDED`
   */
  delete(path: string): Promise<Answer> {
    return this.#call("DELETE", path, undefined);
  }

  /**
   * Sends a GET request and streams the response as text.
   *
   * @param path path and query
   * @returns pieces of the text as they arrive, until the node ends the response
   * @throws the node's error, `PEER_UNREACHABLE`
   */
  async *stream(path: string): AsyncGenerator<string> {
    const utf8 = new TextDecoder();
    for await (const part of this.download(path)) yield utf8.decode(part, { stream: true });
  }

  /**
   * Sends a GET request and streams the response.
   *
   * @param path path and query
   * @returns parts, each valid until the next one, until the node ends the response
   * @throws the node's error, `PEER_UNREACHABLE`
   */
  async *download(path: string): AsyncGenerator<Uint8Array> {
    const stop = new AbortController();
    try {
      this.#trace(`> GET ${this.#url}${path}`);
      const request = this.#request("GET", path, undefined);
      const { status, body } = await this.#http.open(this.#url, request, stop.signal, () => {});
      const parts = body instanceof Uint8Array ? [body] : body;
      if (status >= 300) throw failure(answerOf(status, await textOf(parts)));
      for await (const part of parts) yield part;
    } catch (error) {
      if (error instanceof ServerledgeError) throw error;
      throw await unreachable(this.#endpoint, error);
    } finally {
      stop.abort();
    }
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #send(method: string, path: string, body: unknown, options: PostOptions): Promise<Answer> {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const content = options.sent ? counted(bytes, options.sent) : bytes;
    return this.#call(method, path, content, options);
  }

  #request(method: string, path: string, body: HttpRequest["body"]): HttpRequest {
    const headers: [string, string][] = [["host", authority(this.#endpoint)], ["accept", "*/*"]];
    if (body) headers.push(["content-type", "application/json"]);
    const { key } = this.#endpoint;
    if (key !== undefined) headers.push(["authorization", `Bearer ${key}`]);
    return { method, path, headers, body };
  }

  async #call(
    method: string,
    path: string,
    body: HttpRequest["body"],
    options: CallOptions = {},
  ): Promise<Answer> {
    const timeoutMs = options.timeoutMs ?? answerTimeoutMs;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
    const since = performance.now();
    this.#trace(`> ${method} ${this.#url}${path}`);
    try {
      const { status, body: bytes } = await this.#ask(this.#request(method, path, body), signal);
      this.#trace(`< ${status} after ${Math.round(performance.now() - since)} ms`);
      const answer = answerOf(status, decoder.decode(bytes));
      if (status >= 300) throw failure(answer);
      return answer;
    } catch (error) {
      if (error instanceof ServerledgeError) throw error;
      if (options.signal?.aborted) throw options.signal.reason;
      if (timeout.aborted) throw late(authority(this.#endpoint), timeoutMs, error);
      if (error instanceof TooLong) throw tooLarge();
      throw await unreachable(this.#endpoint, error);
    }
  }

  /** Sends a request; one that only reads is repeated once if its connection breaks. */
  async #ask(request: HttpRequest, signal: AbortSignal): Promise<WholeResponse> {
    const ask = () => this.#http.ask(this.#url, request, signal, maxAnswerBytes);
    return await ask().catch((error) => {
      const mayRepeat = request.method === "GET" && error instanceof ConnectionBroken;
      if (!mayRepeat || signal.aborted) throw error;
      this.#http.forget(this.#url);
      return ask();
    });
  }
}

function answerOf(status: number, text: string): Answer {
  return { status, text, json: tryParseJson(text) };
}

async function textOf(
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of parts) {
    if ((size += part.length) > maxAnswerBytes) throw tooLarge();
    chunks.push(part.slice());
  }
  return await new Blob(chunks).text();
}

function tooLarge(): ServerledgeError {
  return new ServerledgeError(
    "PAYLOAD_TOO_LARGE",
    `The response is larger than ${maxAnswerBytes} bytes: let the function return less`,
  );
}

/** Returns the error in a response, or one for the status if the response has none of a node. */
function failure(answer: Answer): ServerledgeError {
  const body = isObject(answer.json) ? answer.json : {};
  const code = errorCodes.find((known) => known === body.code) ?? codeOf(answer.status);
  const message = typeof body.message === "string" && body.message
    ? body.message
    : answer.text.trim().split("\n")[0]?.slice(0, 200) || "no reason given";
  return new ServerledgeError(
    code,
    body.code ? message : `The node responded with ${answer.status}: ${message}`,
    // The body must not set the exit status.
    { details: { ...body, exit: undefined, answer: answer.text } },
  );
}

function codeOf(status: number): ErrorCode {
  const codes: Readonly<Record<number, ErrorCode>> = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "ROUTE_UNKNOWN",
    409: "FUNCTION_EXISTS",
    429: "NODE_SATURATED",
    504: "DEADLINE_EXCEEDED",
  };
  return codes[status] ?? "INTERNAL";
}

function late(authority: string, timeoutMs: number, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "DEADLINE_EXCEEDED",
    `No response from ${authority} within ${timeoutMs / 1e3} s`,
    { cause },
  );
}
