/**
 * Connection of a client. It processes one request at a time and sends each response.
 *
 * @module
 */

import { hostPort } from "../host_port.ts";
import { Input, maxHeadBytes } from "../input.ts";
import { ClientWatch } from "./client_watch.ts";
import {
  type HttpHandler,
  type IncomingRequest,
  isBodiless,
  type OutgoingResponse,
} from "./messages.ts";
import type { TunnelClient } from "./http2.ts";
import { http2Head, parseRequestHead, RefusedRequest, type RequestHead } from "./request_head.ts";
import {
  framingOf,
  lengthForHead,
  type ResponseFraming,
  type ResponseHeads,
  responsePrefix,
} from "./response_head.ts";
import { ResponseSink } from "./response_sink.ts";
import { type BodyReading, ServedBody } from "./served_body.ts";
import type { ServerLimits } from "./limits.ts";
import type { ClientTimeouts, Wait, Waiter } from "./client_timeouts.ts";

/** Buffer size of an idle connection, bytes. Small requests fit into it. */
const restBytes = 2 << 10;
/** Maximum length of an unread body that is skipped to reuse the connection, bytes. */
const maxSkippedBytes = 64 << 10;
/** Interim response that asks a client for its body. */
const continueLine = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/** Substitute for the head of a rejected request, sufficient for a response. */
const refusedHead = { method: "", isOld: false } as const;

/** Response to `OPTIONS *`. Functions accept all of these methods. */
const serverOptions: OutgoingResponse = {
  status: 204,
  headers: [["allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]],
  body: undefined,
};

const encoder = new TextEncoder();
const nothing = new Uint8Array();

/** Objects that the connections of a server share. */
export interface ConnectionContext {
  /** Answers requests. */
  readonly handler: HttpHandler;
  /** Limits for clients. */
  readonly limits: ServerLimits;
  /** Timeouts of connections that wait for their client. */
  readonly timeouts: ClientTimeouts;
  /** Writes heads. */
  readonly heads: ResponseHeads;
  /** Returns the response to a request that does not reach the handler. */
  readonly refuse: (status: number, message: string) => OutgoingResponse;
  /** Serves a connection that uses HTTP/2; `first` arrived after the head of the preface. */
  readonly tunnel: (conn: Deno.Conn, first: Uint8Array, client: TunnelClient) => Promise<void>;
  /** Returns true once no further request is accepted. */
  isStopping(): boolean;
  /** Returns true once each connection is closed after its next response. */
  isDraining(): boolean;
}

/** Connection that the server serves. */
export class ServerConnection implements Waiter, BodyReading {
  /** Address of the client. */
  readonly client: string;
  /** True if the connection is encrypted. */
  readonly isSecure: boolean;
  /** Part of {@link Waiter}. */
  waitsSince = 0;
  readonly #conn: Deno.Conn;
  readonly #context: ConnectionContext;
  readonly #input: Input;
  readonly #watch: ClientWatch;
  readonly #sink: ResponseSink;
  #wait: Wait | undefined;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<void>();
  /** True while the client waits for `100 Continue` before it sends its body. */
  #owesContinue = false;
  #headText = "";
  #head: RequestHead | undefined;
  #bodyBegan = 0;
  #bodyBytes = 0;

  /**
   * Creates a connection that was just accepted; {@link ServerConnection.serve} reads its requests.
   *
   * @param conn connection, which this object closes
   * @param client address of the client
   * @param isSecure whether it is encrypted
   * @param context objects shared with other connections
   */
  constructor(conn: Deno.Conn, client: string, isSecure: boolean, context: ConnectionContext) {
    this.#conn = conn;
    this.client = client;
    this.isSecure = isSecure;
    this.#context = context;
    this.#input = new Input(conn, restBytes);
    this.#sink = new ResponseSink(conn, {
      begun: () => this.#waitFor("send"),
      ended: () => this.#waitFor(undefined),
    });
    this.#watch = new ClientWatch(
      this.#input,
      (bytes) => this.#sink.write(bytes),
      () => this.close(),
    );
  }

  /** Resolves when the connection is closed. Its descriptor may be released only later. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Serves the connection until its descriptor is released; never rejects. */
  async serve(): Promise<void> {
    this.#waitFor("head");
    try {
      while (await this.#exchange());
    } catch {
      // The client, a limit or the stop of the server ended the connection.
    }
    this.close();
    await this.#sink.idle;
  }

  /** Closes the connection and cancels the request in progress. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waitFor(undefined);
    this.#conn.close();
    // A write in progress ends only when the client accepts the data or disconnects.
    this.#sink.abandon();
    this.#closed.resolve();
    this.#watch.leave();
  }

  /** Part of {@link Waiter}. */
  expire(wait: Wait): void {
    this.#wait = undefined;
    const isLate = wait === "body" || (wait === "head" && this.#input.buffered > 0);
    if (!isLate) return this.close();
    const response = this.#context.refuse(408, "The request did not arrive in time");
    this.#respond(refusedHead, response, false).catch(() => {}).finally(() => this.close());
  }

  /** Processes one request and sends its response. @returns false if no other request may follow */
  async #exchange(): Promise<boolean> {
    let head: RequestHead;
    try {
      const text = await this.#readHead();
      if (text === undefined) return false;
      if (text === http2Head) return await this.#becomeHttp2();
      head = this.#parsed(text);
    } catch (error) {
      if (error instanceof RefusedRequest) await this.#refuse(error);
      return false;
    }
    const body = new ServedBody(this.#input, head.framing, this);
    this.#owesContinue = head.expectsContinue;
    this.#bodyBytes = 0;
    this.#watch.allow(responsePrefix);
    if (body.hasEnded) this.#watch.begin();
    // The asterisk denotes the whole server, not a resource (RFC 9110, 9.3.7).
    const response = head.target === "*"
      ? serverOptions
      : await this.#context.handler(this.#request(head, body));
    using _held = response.held;
    this.#waitFor(undefined);
    const mayStay = head.keepAlive && this.#canSkip(body) && !this.#isLeaving();
    const stays = await this.#respond(head, response, mayStay);
    this.#watch.end();
    if (!stays) {
      if (!body.hasEnded || this.#input.buffered > 0) await this.#linger();
      return false;
    }
    if (!body.hasEnded) await this.#skip(body);
    return true;
  }

  /** Parses a head and caches it if it is short, since clients mostly repeat their head. */
  #parsed(text: string): RequestHead {
    if (text === this.#headText && this.#head) return this.#head;
    const head = parseRequestHead(text, () => ownHost(this.#conn));
    if (text.length <= restBytes) {
      this.#head = head;
      this.#headText = text;
    }
    return head;
  }

  async #readHead(): Promise<string | undefined> {
    const input = this.#input;
    for (let seen = 0;;) {
      if (seen === 0) input.skipLineEnds();
      const head = input.takeHead(seen);
      if (head !== undefined) {
        this.#waitFor(undefined);
        return head;
      }
      seen = input.buffered;
      if (seen >= maxHeadBytes) {
        throw input.hasLine
          ? new RefusedRequest(431, "The headers are too long")
          : new RefusedRequest(414, "The URL is too long");
      }
      if (this.#wait !== "head") this.#waitFor(seen === 0 ? "idle" : "head");
      if (seen === 0 && this.#context.isStopping()) return undefined;
      if (!await input.more()) return undefined;
    }
  }

  #request(head: RequestHead, body: ServedBody): IncomingRequest {
    return {
      method: head.method,
      target: head.target,
      headers: head.headers,
      client: this.client,
      isSecure: this.isSecure,
      body,
      onDisconnect: (listener) => this.#watch.onDisconnect(listener),
    };
  }

  /** Sends a response. @returns whether another request may follow */
  async #respond(
    head: Pick<RequestHead, "method" | "isOld">,
    response: OutgoingResponse,
    keepAlive: boolean,
  ): Promise<boolean> {
    const { body = nothing, headers, status } = response;
    const stream = body instanceof ReadableStream ? body : undefined;
    const content = typeof body === "string" ? encoder.encode(body) : body;
    const bytes = content instanceof ReadableStream ? nothing : content;
    const isHead = head.method === "HEAD";
    const length = isHead ? lengthForHead(headers, bytes.length) : bytes.length;
    const framing = framingOf(status, stream ? undefined : length, head);
    const stays = keepAlive && framing !== "eof";
    const text = this.#textOf(response, framing, stays, head.isOld);
    const withBody = !isHead && !isBodiless(status);
    if (stream && text !== undefined && withBody) {
      await this.#sink.stream(text, stream, framing === "chunked", this.#watch);
      return stays;
    }
    void stream?.cancel().catch(() => {});
    if (text === undefined) return await this.#respond(head, this.#unsendable(), keepAlive);
    const sent = this.#watch.settle();
    const ahead = typeof sent === "number" ? sent : await sent;
    await this.#sink.whole(text, withBody ? bytes : undefined, ahead);
    return stays;
  }

  /** Returns the text of a head; undefined if a header is invalid. */
  #textOf(
    response: OutgoingResponse,
    framing: ResponseFraming,
    keepAlive: boolean,
    isOld: boolean,
  ): string | undefined {
    try {
      return this.#context.heads.write(response, framing, keepAlive, isOld);
    } catch {
      return undefined;
    }
  }

  #unsendable(): OutgoingResponse {
    return this.#context.refuse(500, "The response has invalid headers");
  }

  async #refuse({ status, message }: RefusedRequest): Promise<void> {
    const response = this.#context.refuse(status, message);
    await this.#respond(refusedHead, response, false);
    await this.#linger();
  }

  /**
   * Discards further data for a limited time. To close the connection with unread data would reset it,
   * and the client might lose the response.
   */
  async #linger(): Promise<void> {
    this.#waitFor("linger");
    await this.#conn.closeWrite();
    do this.#input.take(this.#input.buffered); while (await this.#input.more());
  }

  #isLeaving(): boolean {
    return this.#context.isStopping() || this.#context.isDraining();
  }

  #canSkip(body: ServedBody): boolean {
    if (body.hasEnded) return true;
    return !this.#owesContinue && body.length !== undefined && body.length <= maxSkippedBytes;
  }

  async #skip(body: ServedBody): Promise<void> {
    void this.waits();
    await body.skip();
    this.#waitFor(undefined);
  }

  /** Part of {@link BodyReading}. */
  waits(): Promise<void> | undefined {
    if (this.#wait !== "body") {
      this.#waitFor("body");
      if (this.#bodyBytes === 0) this.#bodyBegan = this.#context.timeouts.now;
    }
    if (!this.#owesContinue) return undefined;
    this.#owesContinue = false;
    return this.#input.buffered > 0 ? undefined : this.#sink.write(continueLine);
  }

  /** Part of {@link BodyReading}. */
  progressed(bytes: number): void {
    const { timeouts, limits } = this.#context;
    this.#bodyBytes += bytes;
    const allowedMs = limits.bodyMs + 1000 * this.#bodyBytes / limits.bodyRate;
    if (timeouts.now - this.#bodyBegan > allowedMs) this.expire("body");
    else this.#waitFor("body");
  }

  /** Part of {@link BodyReading}. */
  ended(): void {
    this.#owesContinue = false;
    this.#waitFor(undefined);
    this.#watch.begin();
  }

  async #becomeHttp2(): Promise<boolean> {
    this.#waitFor(undefined);
    const first = this.#input.take(this.#input.buffered).slice();
    await this.#context.tunnel(this.#conn, first, this);
    return false;
  }

  #waitFor(wait: Wait | undefined): void {
    const { timeouts } = this.#context;
    if (this.#wait) timeouts.end(this.#wait, this);
    this.#wait = wait;
    if (wait && !this.#isClosed) timeouts.begin(wait, this);
  }
}

/** Returns the address and port to which the client connected. */
function ownHost({ localAddr }: Deno.Conn): string {
  return "hostname" in localAddr ? hostPort(localAddr.hostname, localAddr.port) : "localhost";
}
