/**
 * Converts requests and responses between this server's types and those of the web platform.
 *
 * @module
 */

import type { ErrorCode } from "../../base/errors.ts";
import { Rope, type Sliceable } from "../../base/rope.ts";
import { Body } from "../body.ts";
import { ConnectionBroken, TooLong } from "../failures.ts";
import type { HeaderPair } from "../head.ts";
import { maxJoinedBytes } from "../output.ts";
import { HeaderList, type IncomingRequest, isBodiless, type OutgoingResponse } from "./messages.ts";
import type { BodyReading } from "./served_body.ts";

/**
 * Request in the form that routers expect. Its URL joins a placeholder host and the unchanged target.
 * So a target with two leading slashes, or a whole URL as the target, cannot set the host.
 */
class RoutedRequest {
  readonly incoming: IncomingRequest;
  readonly method: string;
  readonly url: string;
  #headers: Headers | undefined;

  constructor(incoming: IncomingRequest) {
    this.incoming = incoming;
    // HEAD is processed as GET; the server omits the body.
    this.method = incoming.method === "HEAD" ? "GET" : incoming.method;
    this.url = `http://localhost${incoming.target}`;
  }

  get headers(): Headers {
    return this.#headers ??= new Headers(this.incoming.headers.pairs.map(([...pair]) => pair));
  }
}

/** Returns a request for a router. It has the method, the URL and, on demand, the headers. */
export function routedRequest(incoming: IncomingRequest): Request {
  return new RoutedRequest(incoming) as unknown as Request;
}

/**
 * Returns the original of a routed request, or converts a request of the web platform.
 *
 * @param request result of {@link routedRequest}, or any request of the web platform
 * @param client address of the client, for a request of the web platform
 * @param reading listener for the progress of its body, for a request of the web platform
 * @param isSecure whether it came over TLS, for a request of the web platform
 */
export function incomingRequest(
  request: Request,
  client = "unknown",
  reading?: BodyReading,
  isSecure = false,
): IncomingRequest {
  if ((request as unknown) instanceof RoutedRequest) {
    return (request as unknown as RoutedRequest).incoming;
  }
  const { method, url, signal } = request;
  const pairs: HeaderPair[] = [...request.headers];
  // HTTP/2 uses `:authority` instead of `Host`.
  if (!request.headers.has("host")) pairs.unshift(["host", hostOf(url)]);
  return {
    method,
    target: targetOf(url),
    headers: new HeaderList(pairs),
    client,
    isSecure,
    body: new WebBody(request, reading),
    onDisconnect: (listener) => signal.addEventListener("abort", listener, { once: true }),
  };
}

/** Returns the path and query unchanged. `URL` would resolve `..` and change the encoding. */
function targetOf(url: string): string {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  return at < 0 ? "/" : url.slice(at).replace(/#.*$/s, "");
}

function hostOf(url: string): string {
  return /^[a-z+.-]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
}

/** Body of a request of the web platform. */
class WebBody extends Body {
  override readonly length: number | undefined;
  readonly #request: Request;
  readonly #reading: BodyReading | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;

  constructor(request: Request, reading: BodyReading | undefined) {
    super();
    this.#request = request;
    this.#reading = reading;
    const announced = request.headers.get("content-length");
    this.length = !request.body ? 0 : announced === null ? undefined : Number(announced);
  }

  override async part(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.#request.body) return undefined;
    this.#reader ??= this.#request.body.getReader();
    try {
      await this.#reading?.waits();
      const { done, value } = await this.#reader.read();
      if (done) this.#reading?.ended();
      else this.#reading?.progressed(value.length);
      return value;
    } catch (cause) {
      throw new ConnectionBroken("The connection broke before the end of the body", { cause });
    }
  }

  override async whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await super.whole(maxBytes);
    } catch (error) {
      if (error instanceof TooLong) await this.#reader?.cancel();
      throw error;
    }
  }
}

/**
 * Response that keeps its parts. The server sends them without `Headers` or a stream.
 * A long body is kept only in these parts, since the web platform would copy it.
 */
export class KnownResponse extends Response {
  /** Status, headers and body of the response. */
  readonly outgoing: OutgoingResponse;

  /**
   * Creates a response. A stream is cancelled if the status has no body.
   *
   * @param body omitted for statuses without a body
   * @param status 200 to 599
   * @param headers names in lower case
   * @param held reservation that is released when the response was sent or has failed
   * @param error code of the error that the body reports
   * @throws {TypeError} if the name or value of a header is invalid
   */
  constructor(
    body: OutgoingResponse["body"],
    status: number,
    headers: readonly HeaderPair[],
    held?: Disposable,
    error?: ErrorCode,
  ) {
    const isEmpty = isBodiless(status);
    const isCopied = typeof body === "string" || body instanceof ReadableStream ||
      (body instanceof Uint8Array && body.length <= maxJoinedBytes);
    super(isCopied && !isEmpty ? body : null, { status, headers: headers as [string, string][] });
    if (isEmpty && body instanceof ReadableStream) void body.cancel().catch(() => {});
    this.outgoing = { status, headers, body: isEmpty ? undefined : body, held, error };
  }
}

/**
 * Converts a response of the web platform to one that the server sends.
 *
 * @param response any response; the body is streamed unless it is a {@link KnownResponse}
 */
export function outgoingResponse(response: Response): OutgoingResponse {
  if (response instanceof KnownResponse) return response.outgoing;
  const { status, headers, body } = response;
  return { status, headers: [...headers], body: body ?? undefined };
}

/**
 * Converts a response to one of the web platform.
 *
 * @param outgoing response of a handler
 * @param method method of the request; `HEAD` omits the body
 * @param length length of a body that is a stream, if it is known
 */
export function webResponse(
  outgoing: OutgoingResponse,
  method: string,
  length?: number,
): Response {
  const { body, status, headers } = outgoing;
  const isEmpty = method === "HEAD" || isBodiless(status);
  if (isEmpty && body instanceof ReadableStream) void body.cancel().catch(() => {});
  // The web platform would add a content type to a body of text.
  const content = typeof body === "string"
    ? new TextEncoder().encode(body)
    : body instanceof Rope
    ? ReadableStream.from(pieces(body))
    : body;
  const sent = headers.filter(([name]) => method === "HEAD" || name !== "content-length");
  const known = body instanceof Rope ? body.length : length;
  if (!isEmpty && known !== undefined) sent.push(["content-length", String(known)]);
  return new Response(isEmpty ? null : content, { status, headers: sent as [string, string][] });
}

/** Splits long bytes into the pieces of a stream. */
export function* pieces(bytes: Sliceable): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += maxJoinedBytes) {
    yield bytes.slice(at, at + maxJoinedBytes);
  }
}
