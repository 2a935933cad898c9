/**
 * Tunnels for HTTP/2, with prior knowledge or over TLS (RFC 9113, 3.2 and 3.3). Each connection is
 * relayed, byte for byte, to its own server of the platform. This keeps the address of the client known.
 *
 * @module
 */

import { closeQuietly } from "../../base/close.ts";
import { writeAll } from "../output.ts";
import { LeavingFrames } from "./http2_leaving.ts";
import type { HttpHandler, OutgoingResponse } from "./messages.ts";
import { http2Preface } from "./request_head.ts";
import type { BodyReading } from "./served_body.ts";
import { incomingRequest, pieces, webResponse } from "./web.ts";
import type { ClientTimeouts } from "./client_timeouts.ts";

/** Buffer size of a tunnel, bytes. */
const pieceBytes = 16 << 10;

const encoder = new TextEncoder();

/** Client of a tunnel. */
export interface TunnelClient {
  /** Address of the client. */
  readonly client: string;
  /** True if the connection is encrypted. */
  readonly isSecure: boolean;
}

/** Relays HTTP/2 connections to servers of the platform. */
export class Http2Tunnels {
  readonly #handler: HttpHandler;
  readonly #timeouts: ClientTimeouts;
  readonly #open = new Set<LeavingFrames>();
  #isDraining = false;

  /**
   * Creates a relay without connections. Each connection starts a server of its own.
   *
   * @param handler answers requests
   * @param timeouts ends idle connections and slow bodies
   */
  constructor(handler: HttpHandler, timeouts: ClientTimeouts) {
    this.#handler = handler;
    this.#timeouts = timeouts;
  }

  /**
   * Relays a connection until it ends.
   *
   * @param conn connection of which the head of the preface was read; the caller closes it
   * @param first bytes that arrived after the head
   */
  async carry(conn: Deno.Conn, first: Uint8Array, client: TunnelClient): Promise<void> {
    const session = new Session(this.#handler, this.#timeouts, client, () => inner?.close());
    let inner: Deno.UnixConn | undefined;
    const frames = new LeavingFrames(conn);
    let server: Deno.HttpServer | undefined;
    try {
      ({ server, inner } = await serveOne((request) => session.answer(request)));
      session.becameIdle();
      this.#open.add(frames);
      if (this.#isDraining) frames.leave();
      await writeAll(inner, encoder.encode(http2Preface));
      await writeAll(inner, first);
      const serverEnd = inner;
      const requests = copy(conn, (bytes) => writeAll(serverEnd, bytes));
      await Promise.race([requests, copy(inner, (bytes) => frames.pass(bytes))]);
    } finally {
      session.end();
      closeQuietly(inner);
      this.#open.delete(frames);
      await server?.shutdown();
    }
  }

  /** Asks all clients to open another connection; the requests that they have sent are answered. */
  drain(): void {
    this.#isDraining = true;
    for (const frames of this.#open) frames.leave();
  }
}

/**
 * Starts a server of the platform and connects to it. Then it removes the socket from the file system.
 * Afterwards no other process can connect, and a killed process leaves no files.
 */
async function serveOne(
  answer: (request: Request) => Promise<Response>,
): Promise<{ server: Deno.HttpServer; inner: Deno.UnixConn }> {
  const folder = await Deno.makeTempDir({ prefix: "serverledge-http2-" });
  let server: Deno.HttpServer | undefined;
  try {
    const path = `${folder}/socket`;
    server = Deno.serve({ path, onListen: () => {} }, answer);
    return { server, inner: await Deno.connect({ transport: "unix", path }) };
  } catch (error) {
    await server?.shutdown();
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Requests of one connection. */
class Session {
  readonly client: string;
  readonly #isSecure: boolean;
  waitsSince = 0;
  readonly #handler: HttpHandler;
  readonly #timeouts: ClientTimeouts;
  readonly #close: () => void;
  #active = 0;
  #hasEnded = false;

  constructor(
    handler: HttpHandler,
    timeouts: ClientTimeouts,
    { client, isSecure }: TunnelClient,
    close: () => void,
  ) {
    this.#handler = handler;
    this.#timeouts = timeouts;
    this.client = client;
    this.#isSecure = isSecure;
    this.#close = close;
  }

  async answer(request: Request): Promise<Response> {
    this.#active++;
    this.#timeouts.end("idle", this);
    const reading = this.#bodyReading();
    try {
      const incoming = incomingRequest(request, this.client, reading, this.#isSecure);
      return this.#response(await this.#handler(incoming), request.method);
    } finally {
      reading.ended();
      this.#active--;
      this.becameIdle();
    }
  }

  /** Starts the idle timeout if no request is in progress. */
  becameIdle(): void {
    if (this.#active === 0 && !this.#hasEnded) this.#timeouts.begin("idle", this);
  }

  end(): void {
    this.#hasEnded = true;
    this.#timeouts.end("idle", this);
  }

  expire(): void {
    this.#close();
  }

  #response(outgoing: OutgoingResponse, method: string): Response {
    using owned = new DisposableStack();
    const held = owned.use(outgoing.held);
    const body = typeof outgoing.body === "string" ? encoder.encode(outgoing.body) : outgoing.body;
    const isStream = body instanceof ReadableStream;
    if (body === undefined || !(held || isStream)) {
      return webResponse({ ...outgoing, body }, method);
    }
    // The platform reports that a response was sent only for a stream, by its end.
    const reader = (isStream ? body : ReadableStream.from(pieces(body))).getReader();
    const tracked = this.#tracked(reader, owned.move());
    try {
      const length = isStream ? undefined : body.length;
      return webResponse({ ...outgoing, body: tracked }, method, length);
    } catch (error) {
      void tracked.cancel(error).catch(() => {});
      throw error;
    }
  }

  /**
   * Returns a stream of what is read. It counts as active until it ends, and the send timeout applies to
   * each part.
   *
   * @param owned disposed at its end
   */
  #tracked(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    owned: DisposableStack,
  ): ReadableStream<Uint8Array> {
    const waiter = { client: this.client, waitsSince: 0, expire: () => this.#close() };
    this.#active++;
    owned.defer(() => {
      this.#timeouts.end("send", waiter);
      this.#active--;
      this.becameIdle();
    });
    return new ReadableStream({
      pull: async (controller) => {
        this.#timeouts.end("send", waiter);
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return this.#timeouts.begin("send", waiter);
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        owned.dispose();
      },
      cancel: (reason) => {
        owned.dispose();
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  #bodyReading(): BodyReading {
    const waiter = { client: this.client, waitsSince: 0, expire: () => this.#close() };
    const wait = () => {
      this.#timeouts.end("body", waiter);
      this.#timeouts.begin("body", waiter);
      return undefined;
    };
    return { waits: wait, progressed: wait, ended: () => this.#timeouts.end("body", waiter) };
  }
}

async function copy(
  from: Deno.Conn,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(pieceBytes);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    await write(buffer.subarray(0, count));
  }
}
