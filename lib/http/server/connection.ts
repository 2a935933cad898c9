/**
 * One connection of a client: its requests, one after the other, each with its response.
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

/** What an idle connection holds to read into; small requests come whole in it, bytes. */
const restBytes = 2 << 10;
/** Most of an unread body that is skipped so that the connection can be used again, bytes. */
const maxSkippedBytes = 64 << 10;
/** Interim response that asks a client for its body. */
const continueLine = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/** The known part of a rejected request: enough for a response. */
const refusedHead = { method: "", isOld: false } as const;

/** Response to `OPTIONS *`; functions take every one of these methods. */
const serverOptions: OutgoingResponse = {
  status: 204,
  headers: [["allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]],
  body: undefined,
};

const encoder = new TextEncoder();
const nothing = new Uint8Array();

/** What connections share. */
export interface ConnectionContext {
  /** Answers requests. */
  readonly handler: HttpHandler;
  /** What clients are held to. */
  readonly limits: ServerLimits;
  /** Those that wait for their client. */
  readonly timeouts: ClientTimeouts;
  /** Writes heads. */
  readonly heads: ResponseHeads;
  /** The response to a request that is not looked at. */
  readonly refuse: (status: number, message: string) => OutgoingResponse;
  /** Takes a connection over that turned out to be HTTP/2; `first` came behind the preface's head. */
  readonly tunnel: (conn: Deno.Conn, first: Uint8Array, client: string) => Promise<void>;
  /** True once no further request is to be taken. */
  isStopping(): boolean;
}

/** A connection that is being served. */
export class ServerConnection implements Waiter, BodyReading {
  /** Address of the client. */
  readonly client: string;
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
  /** The client waits for the word before it sends its body. */
  #owesContinue = false;
  #headText = "";
  #head: RequestHead | undefined;
  #bodyBegan = 0;
  #bodyBytes = 0;

  /**
   * @param conn owned by it from now on
   * @param client address of the client
   * @param context what it shares with others
   */
  constructor(conn: Deno.Conn, client: string, context: ConnectionContext) {
    this.#conn = conn;
    this.client = client;
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

  /** Resolves when it is closed; its descriptor may be free only later. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Serves it until its descriptor is free; never rejects. */
  async serve(): Promise<void> {
    this.#waitFor("head");
    try {
      while (await this.#exchange());
    } catch {
      // Broken by the client, by a bound, or by the server's end.
    }
    this.close();
    await this.#sink.idle;
  }

  /** Closes it; what is under way on it is cancelled. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waitFor(undefined);
    this.#conn.close();
    // A write under way ends only with the client.
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

  /** One request and its response. @returns false if no other follows */
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
    // The asterisk means the server as a whole, not a resource (RFC 9110, 9.3.7).
    const response = head.target === "*"
      ? serverOptions
      : await this.#context.handler(this.#request(head, body));
    using _held = response.held;
    this.#waitFor(undefined);
    const mayStay = head.keepAlive && this.#canSkip(body) && !this.#context.isStopping();
    const stays = await this.#respond(head, response, mayStay);
    this.#watch.end();
    if (!stays) {
      if (!body.hasEnded || this.#input.buffered > 0) await this.#linger();
      return false;
    }
    if (!body.hasEnded) await this.#skip(body);
    return true;
  }

  /** Clients mostly send the same head again; what an idle connection keeps of it is bounded. */
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
      body,
      onDisconnect: (listener) => this.#watch.onDisconnect(listener),
    };
  }

  /** @returns whether another request may follow */
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

  /** @returns undefined if it has headers that are none */
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
    return this.#context.refuse(500, "The response has headers that cannot be sent");
  }

  async #refuse({ status, message }: RefusedRequest): Promise<void> {
    const response = this.#context.refuse(status, message);
    await this.#respond(refusedHead, response, false);
    await this.#linger();
  }

  /**
   * Throws away what still comes, for a while: closing with something unread would reset the
   * connection, and the client might lose the response.
   */
  async #linger(): Promise<void> {
    this.#waitFor("linger");
    await this.#conn.closeWrite();
    do this.#input.take(this.#input.buffered); while (await this.#input.more());
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
    await this.#context.tunnel(this.#conn, first, this.client);
    return false;
  }

  #waitFor(wait: Wait | undefined): void {
    const { timeouts } = this.#context;
    if (this.#wait) timeouts.end(this.#wait, this);
    this.#wait = wait;
    if (wait && !this.#isClosed) timeouts.begin(wait, this);
  }
}

/** The address and port by which a client has reached the server. */
function ownHost({ localAddr }: Deno.Conn): string {
  return "hostname" in localAddr ? hostPort(localAddr.hostname, localAddr.port) : "localhost";
}
