/**
 * Requests and responses of this server as the web platform knows them, and back.
 *
 * @module
 */

import { Rope, type Sliceable } from "../../base/rope.ts";
import { Body } from "../body.ts";
import { ConnectionBroken, TooLong } from "../failures.ts";
import type { HeaderPair } from "../head.ts";
import { maxJoinedBytes } from "../output.ts";
import { HeaderList, type IncomingRequest, isBodiless, type OutgoingResponse } from "./messages.ts";
import type { BodyReading } from "./served_body.ts";

/**
 * A request as routers see it. Its URL is made of the target as it was sent, behind a host of no
 * meaning: neither a second slash nor a whole URL in its place becomes a host.
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

/** A request for a router, which needs its verb, its URL, and maybe its headers. */
export function routedRequest(incoming: IncomingRequest): Request {
  return new RoutedRequest(incoming) as unknown as Request;
}

/**
 * The request behind one that a router got, or any other of the web platform.
 *
 * @param request from {@link routedRequest}, or another
 * @param client address of the client of another
 */
export function incomingRequest(
  request: Request,
  client = "unknown",
  reading?: BodyReading,
): IncomingRequest {
  if ((request as unknown) instanceof RoutedRequest) {
    return (request as unknown as RoutedRequest).incoming;
  }
  const { method, url, signal } = request;
  const pairs: HeaderPair[] = [...request.headers];
  // HTTP/2 has `:authority` in its place.
  if (!request.headers.has("host")) pairs.unshift(["host", hostOf(url)]);
  return {
    method,
    target: targetOf(url),
    headers: new HeaderList(pairs),
    client,
    body: new WebBody(request, reading),
    onDisconnect: (listener) => signal.addEventListener("abort", listener, { once: true }),
  };
}

/** Path and query as they were sent: `URL` would resolve `..` and change the encoding. */
function targetOf(url: string): string {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  return at < 0 ? "/" : url.slice(at).replace(/#.*$/s, "");
}

function hostOf(url: string): string {
  return /^[a-z+.-]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
}

/** The body of a request of the web platform. */
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
      throw new ConnectionBroken("The body broke off", { cause });
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
 * A response that keeps its parts: sending it needs neither `Headers` nor a stream. A long body is
 * kept only there, since the web platform would copy it.
 */
export class KnownResponse extends Response {
  /** What it is made of. */
  readonly outgoing: OutgoingResponse;

  /**
   * @param body omitted for statuses without a body
   * @param status 200 to 599
   * @param headers names in lower case
   * @param held see {@link OutgoingResponse.held}
   * @throws {TypeError} if a header is none
   */
  constructor(
    body: OutgoingResponse["body"],
    status: number,
    headers: readonly HeaderPair[],
    held?: Disposable,
  ) {
    const isEmpty = isBodiless(status);
    const isCopied = typeof body === "string" || body instanceof ReadableStream ||
      (body instanceof Uint8Array && body.length <= maxJoinedBytes);
    super(isCopied && !isEmpty ? body : null, { status, headers: headers as [string, string][] });
    if (isEmpty && body instanceof ReadableStream) void body.cancel().catch(() => {});
    this.outgoing = { status, headers, body: isEmpty ? undefined : body, held };
  }
}

/**
 * What the server sends for a response.
 *
 * @param response any; one that is not a {@link KnownResponse} is streamed
 */
export function outgoingResponse(response: Response): OutgoingResponse {
  if (response instanceof KnownResponse) return response.outgoing;
  const { status, headers, body } = response;
  return { status, headers: [...headers], body: body ?? undefined };
}

/**
 * A response for the web platform.
 *
 * @param outgoing what would be sent
 * @param method verb of the request; `HEAD` omits the body
 */
export function webResponse(outgoing: OutgoingResponse, method: string): Response {
  const { body, status, headers } = outgoing;
  const isEmpty = method === "HEAD" || isBodiless(status);
  if (isEmpty && body instanceof ReadableStream) void body.cancel().catch(() => {});
  // Of text a content type would be made up.
  const content = typeof body === "string"
    ? new TextEncoder().encode(body)
    : body instanceof Rope
    ? ReadableStream.from(pieces(body))
    : body;
  const sent = headers.filter(([name]) => method === "HEAD" || name !== "content-length");
  return new Response(isEmpty ? null : content, { status, headers: sent as [string, string][] });
}

/** Yields long bytes in pieces of which a stream consists. */
export function* pieces(bytes: Sliceable): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += maxJoinedBytes) {
    yield bytes.slice(at, at + maxJoinedBytes);
  }
}
