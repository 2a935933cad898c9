/**
 * A registered peer that is none: it tells of itself by datagrams and answers requests as a test
 * wants.
 *
 * @module
 */

import type { ClusterAuth } from "../../../lib/cluster/trust/cluster_auth.ts";
import { DatagramCodec, type LocalStatus } from "../../../lib/cluster/status/datagram.ts";
import type { NodeRecord } from "../../../lib/model/node.ts";
import { authOf, signing } from "./signing_server.ts";
import { testSecret } from "../continuum.ts";

/** More of everything than anybody has. */
export const boundless: LocalStatus = {
  availableMemoryMib: 1e6,
  totalMemoryMib: 1e6,
  freeCpu: 1000,
  queueLength: 0,
  running: 0,
  warm: ["f", "big"],
  images: undefined,
};

/** What a peer answers. */
export type PeerBehaviour = (request: Request) => Response | Promise<Response>;

/** A fake peer. Disposing it closes its connections at once, as a crash does. */
export class FakePeer implements AsyncDisposable {
  /** Id of its process. */
  readonly incarnation = crypto.randomUUID();
  /** What it signs with. */
  readonly auth: ClusterAuth;
  readonly #codec = new DatagramCodec(testSecret);
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #answering: Promise<void>;
  /** Ids of the requests that other nodes sent, in order. */
  readonly received: string[] = [];
  /** Ids of requests whose sender has left before the answer. */
  readonly calledBack: string[] = [];
  /** What it tells of itself. */
  status: LocalStatus = boundless;
  /** True to leave datagrams unanswered. */
  silent = false;
  /** How it answers requests. */
  behaviour: PeerBehaviour;

  constructor(readonly id: string, behaviour: PeerBehaviour) {
    this.behaviour = behaviour;
    this.auth = authOf(testSecret, this);
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: this.#closing.signal,
      onListen: () => {},
    }, signing(this.auth, (request) => this.#answer(request)));
    this.#answering = this.#pong();
  }

  /** Its signed registration, with changes; it is near to nodes of the area `EDGE`. */
  record(change: Partial<NodeRecord> = {}): NodeRecord {
    return this.auth.registrations.sign({
      id: this.id,
      area: "EDGE",
      role: "node",
      url: `http://127.0.0.1:${this.#server.addr.port}`,
      udp: `127.0.0.1:${(this.#socket.addr as Deno.NetAddr).port}`,
      architecture: "amd64",
      incarnation: this.incarnation,
      ...change,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#socket.close();
    await Promise.all([this.#server.finished, this.#answering]);
  }

  #answer(request: Request): Response | Promise<Response> {
    const id = request.headers.get("serverledge-request-id") ?? "";
    this.received.push(id);
    request.signal.addEventListener("abort", () => this.calledBack.push(id));
    return this.behaviour(request);
  }

  async #pong(): Promise<void> {
    try {
      for (;;) {
        const [bytes, from] = await this.#socket.receive();
        const ping = this.#codec.read(bytes);
        if (this.silent || ping?.kind !== "ping") continue;
        const place = { vector: [0, 0, 0], height: 0.1, adjustment: 0, error: 1 };
        await this.#socket.send(this.#codec.pong(this.id, ping.nonce, this.status, place), from);
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    }
  }
}

/** Reads a request and answers with bytes that need not be HTTP, then closes. */
export function rawServer(bytes: string): { readonly url: string; count: number } & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = {
    url: `http://127.0.0.1:${listener.addr.port}`,
    count: 0,
    [Symbol.dispose]: () => listener.close(),
  };
  const serve = async (conn: Deno.TcpConn) => {
    using _ = conn;
    let text = "";
    while (!/\r\n\r\n.*\}$/s.test(text)) {
      const chunk = new Uint8Array(1 << 16);
      const length = await conn.read(chunk);
      if (length === null) return;
      text += new TextDecoder().decode(chunk.subarray(0, length));
    }
    server.count++;
    await conn.write(new TextEncoder().encode(bytes));
  };
  void (async () => {
    for await (const conn of listener) serve(conn).catch(() => {});
  })().catch(() => {});
  return server;
}
