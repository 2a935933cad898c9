/**
 * A fake node for a balancer: it answers as a node does, and misbehaves as a test wants.
 *
 * @module
 */

import { ServerledgeError } from "../../../lib/base/errors.ts";
import { errorAnswer } from "../../../lib/api/errors.ts";
import { jsonAnswer } from "../../../lib/api/headers.ts";
import type { NodeRecord } from "../../../lib/model/node.ts";

/** How a fake node answers an invocation. */
export type Behaviour = (request: Request, node: FakeNode) => Response | Promise<Response>;

/** One request that a fake node got. */
export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A fake node. Disposing it closes its connections at once, as a crash does. */
export class FakeNode implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  /** All requests but health checks and status, in order. */
  readonly seen: Seen[] = [];
  /** Requests for its health so far. */
  checks = 0;
  /** Status of its health check. */
  health = 200;
  /** Id that its health check tells. */
  answersAs: string;
  /** Memory that it says is free, MiB. */
  freeMemory = 1000;
  /** Images that it says it lacks. */
  missingImages: string[] = [];

  constructor(
    readonly id: string,
    /** How it answers everything but health checks and status; may be changed. */
    public behaviour: Behaviour = report,
    readonly architecture = "amd64",
    port = 0,
  ) {
    this.answersAs = id;
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port,
      signal: this.#closing.signal,
      onListen: () => {},
    }, (request) => this.#answer(request));
  }

  /** Where it listens. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** Its registration. */
  get record(): NodeRecord {
    return {
      id: this.id,
      area: "CLOUD",
      role: "node",
      url: `http://127.0.0.1:${this.port}`,
      udp: "",
      architecture: this.architecture,
      incarnation: "1",
    };
  }

  /** Paths of what it saw. */
  get paths(): string[] {
    return this.seen.map(({ path }) => path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/healthz") {
      this.checks++;
      return jsonAnswer({ Status: "ok", Problems: [], Node: this.answersAs }, this.health);
    }
    if (pathname === "/status") {
      const AvailableMemory = this.freeMemory;
      return jsonAnswer({
        TotalMemory: 1000,
        AvailableMemory,
        TotalCPU: 4,
        UsedCPU: 0,
        MissingImages: this.missingImages,
      });
    }
    const body = await request.clone().bytes();
    const { method, headers } = request;
    this.seen.push({ method, path: pathname + search, headers, body });
    return await this.behaviour(request, this);
  }
}

/** Answers as a node does whose function was warm. */
export function report(request: Request, node: FakeNode): Response {
  const answer = jsonAnswer({
    Success: true,
    Result: '"ok"',
    Duration: 0.01,
    IsWarmStart: true,
    ExecutionNode: node.id,
    StartTier: "warm",
  });
  answer.headers.set("serverledge-node-name", node.id);
  answer.headers.set("serverledge-free-mem", String(node.freeMemory));
  answer.headers.set("serverledge-free-cpu", "4.000000");
  answer.headers.set("serverledge-node-arch", node.architecture);
  const id = request.headers.get("serverledge-mab-request-id");
  if (id !== null) answer.headers.set("serverledge-mab-request-id", id);
  return answer;
}

/**
 * Answers with a coded error, as a node does.
 *
 * @param code the error's
 */
export function refuse(code: ServerledgeError["code"]): () => Response {
  return () => errorAnswer(new ServerledgeError(code, "as the test wants"));
}

/** A node that accepts a request and closes the connection without an answer, and counts them. */
export function breaker(): { record: NodeRecord; count: () => number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let count = 0;
  const serve = async (conn: Deno.TcpConn) => {
    using _ = conn;
    const buffer = new Uint8Array(1 << 16);
    const length = await conn.read(buffer) ?? 0;
    const text = new TextDecoder().decode(buffer.subarray(0, length));
    if (/^GET \/(healthz|status) /.test(text)) {
      const body = '{"TotalMemory":1000,"AvailableMemory":1000,"TotalCPU":4,"UsedCPU":0}';
      const head = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
      await conn.write(new TextEncoder().encode(head + body));
      return;
    }
    count++;
  };
  const accepting = (async () => {
    for await (const conn of listener) serve(conn).catch(() => {});
  })().catch(() => {});
  return {
    record: {
      id: "breaker",
      area: "CLOUD",
      role: "node",
      url: `http://127.0.0.1:${listener.addr.port}`,
      udp: "",
      architecture: "amd64",
      incarnation: "1",
    },
    count: () => count,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}
