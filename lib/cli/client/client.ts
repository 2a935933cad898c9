/**
 * The HTTP client of the commands.
 *
 * @module
 */

import { type ErrorCode, errorCodes, ServerledgeError } from "../../base/errors.ts";
import { urlHost } from "../../http/host_port.ts";
import { isObject, tryParseJson } from "../../json/json.ts";
import { authority, type Endpoint } from "./endpoint.ts";
import { unreachable } from "./unreachable.ts";
import { counted, type Sent } from "./upload.ts";

/** Maximum time of a call to which a node can respond at once, ms. */
const answerTimeoutMs = 30_000;
/** Maximum size of a response, bytes; no response is longer than the result of a function. */
const maxAnswerBytes = 1 << 28;

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

/** HTTP client of one node; disposal closes its connections. */
export class NodeClient implements Disposable {
  readonly #endpoint: Endpoint;
  readonly #authority: string;
  readonly #http: Deno.HttpClient;
  readonly #trace: (line: string) => void;

  /**
   * Creates a client without connections.
   *
   * @param trace receives each request and the status of its response
   */
  constructor(endpoint: Endpoint, trace: (line: string) => void = () => {}) {
    this.#endpoint = endpoint;
    this.#authority = authority(endpoint);
    this.#trace = trace;
    // This client ignores a web proxy of the environment: nodes belong to the user, and a proxy cannot
    // reach this machine's loopback address.
    this.#http = Deno.createHttpClient({
      proxy: { transport: "tcp", hostname: urlHost(endpoint.host), port: endpoint.port },
    });
  }

  /**
   * Sends a GET request.
   *
   * @throws the node's error, `PEER_UNREACHABLE` or `DEADLINE_EXCEEDED`
   */
  get(path: string, options?: CallOptions): Promise<Answer> {
    return this.#call(path, { method: "GET" }, options);
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
   * Sends a GET request and streams the response.
   *
   * @param path path and query
   * @returns pieces of the text as they arrive, until the node ends the response
   * @throws the node's error, `PEER_UNREACHABLE`
   */
  async *stream(path: string): AsyncGenerator<string> {
    try {
      this.#trace(`> GET http://${this.#authority}${path}`);
      const response = await fetch(`http://${this.#authority}${path}`, {
        client: this.#http,
        redirect: "manual",
      });
      if (!response.ok) {
        const text = await readText(response);
        throw failure({ status: response.status, text, json: tryParseJson(text) });
      }
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) yield text;
    } catch (error) {
      if (error instanceof ServerledgeError) throw error;
      throw await unreachable(this.#endpoint, error);
    }
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#http.close();
  }

  #send(method: string, path: string, body: unknown, options: PostOptions): Promise<Answer> {
    const headers = { "content-type": "application/json" };
    const text = JSON.stringify(body);
    const content = options.sent ? counted(new TextEncoder().encode(text), options.sent) : text;
    return this.#call(path, { method, headers, body: content }, options);
  }

  async #call(path: string, init: RequestInit, options: CallOptions = {}): Promise<Answer> {
    const timeoutMs = options.timeoutMs ?? answerTimeoutMs;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
    const since = performance.now();
    this.#trace(`> ${init.method} http://${this.#authority}${path}`);
    try {
      const request = { ...init, signal, client: this.#http, redirect: "manual" as const };
      const response = await fetch(`http://${this.#authority}${path}`, request);
      const text = await readText(response);
      this.#trace(`< ${response.status} after ${Math.round(performance.now() - since)} ms`);
      const answer = { status: response.status, text, json: tryParseJson(text) };
      if (!response.ok) throw failure(answer);
      return answer;
    } catch (error) {
      if (error instanceof ServerledgeError || options.signal?.aborted) throw error;
      if (timeout.aborted) throw late(this.#authority, timeoutMs, error);
      throw await unreachable(this.#endpoint, error);
    }
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxAnswerBytes) {
      throw new ServerledgeError(
        "PAYLOAD_TOO_LARGE",
        `The response is larger than ${maxAnswerBytes} bytes: let the function return less`,
      );
    }
    chunks.push(chunk);
  }
  return await new Blob(chunks).text();
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
