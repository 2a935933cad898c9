import assert from "node:assert/strict";
import { bodyState, Connection, ConnectionBroken, type UpstreamRequest } from "./connection.ts";
import { BadMessage } from "./http_head.ts";

/** A connection in memory: what was written to it, and what it answers, piece by piece. */
class FakeConn {
  written = "";
  readonly #pieces: (Uint8Array | null)[];
  isClosed = false;
  /** Ends a read that waits when nothing is left to answer. */
  readonly ended = Promise.withResolvers<void>();

  constructor(answer: string, pieceSize: number) {
    const bytes = new TextEncoder().encode(answer.replaceAll("\n", "\r\n"));
    this.#pieces = [];
    for (let at = 0; at < bytes.length; at += pieceSize) {
      this.#pieces.push(bytes.slice(at, at + pieceSize));
    }
  }

  /** Leaves the connection open after the answer. */
  async read(into: Uint8Array): Promise<number | null> {
    const piece = this.#pieces.shift();
    if (!piece) {
      await this.ended.promise;
      return null;
    }
    into.set(piece);
    return piece.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    const size = Math.min(bytes.length, 7);
    this.written += new TextDecoder().decode(bytes.subarray(0, size));
    return Promise.resolve(size);
  }

  close(): void {
    this.isClosed = true;
    this.ended.resolve();
  }
}

function connect(answer: string, pieceSize = 5) {
  const conn = new FakeConn(answer, pieceSize);
  return { conn, connection: new Connection(conn as unknown as Deno.Conn) };
}

const get: UpstreamRequest = { method: "GET", path: "/", headers: [], body: undefined };

async function read(connection: Connection, request = get): Promise<string> {
  const head = await connection.ask(request);
  const body = bodyState(head.framing);
  let text = "";
  for (let part = await connection.part(body); part; part = await connection.part(body)) {
    text += new TextDecoder().decode(part);
  }
  return text;
}

Deno.test("bodies are read whole, however the answer is cut into pieces", async () => {
  const answers = {
    length: "HTTP/1.1 200 OK\nContent-Length: 11\n\nhello world",
    chunks:
      "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n6;x=y\nhello \n5\nworld\n0\nTrailer: 1\n\n",
    interim: "HTTP/1.1 103 Early\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 11\n\nhello world",
  };
  for (const answer of Object.values(answers)) {
    for (const size of [1, 2, 3, 7, 1000]) {
      const { connection } = connect(answer, size);
      assert.equal(await read(connection), "hello world");
    }
  }
});

Deno.test("a body that ends with the connection is read to there", async () => {
  const { conn, connection } = connect("HTTP/1.0 200 OK\n\nhello world");
  conn.ended.resolve();
  assert.equal(await read(connection), "hello world");
});

Deno.test("one exchange follows the other", async () => {
  const one = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n";
  const { connection } = connect(`${one}HTTP/1.1 200 OK\nContent-Length: 1\n\nb`, 1);
  assert.equal(await read(connection), "a");
  assert.ok(connection.isSent);
  assert.equal(await read(connection), "b");
});

Deno.test("requests are written whole, streams in chunks", async () => {
  const answer = "HTTP/1.1 200 OK\nContent-Length: 0\n\n";
  const bytes = new TextEncoder().encode("hello");
  const whole = connect(answer);
  await read(whole.connection, { ...get, method: "POST", body: bytes });
  assert.match(whole.conn.written, /\r\ncontent-length: 5\r\n\r\nhello$/);
  const stream = connect(answer);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.enqueue(new Uint8Array());
      controller.enqueue(bytes);
      controller.close();
    },
  });
  await read(stream.connection, { ...get, method: "POST", body });
  while (!stream.connection.isSent) await Promise.resolve();
  assert.match(stream.conn.written, /chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n$/);
});

Deno.test("an answer that breaks off, or is none, is told", async () => {
  for (
    const answer of [
      "",
      "HTTP/1.1 200",
      "HTTP/1.1 200 OK\nContent-Length: 5\n\nhell",
      "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhell",
    ]
  ) {
    const { conn, connection } = connect(answer);
    conn.ended.resolve();
    await assert.rejects(read(connection), ConnectionBroken, answer);
  }
  for (
    const answer of [
      "HTTP/1.1 101 Switching Protocols\n\n",
      "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nxyz\n",
      `HTTP/1.1 200 OK\nX: ${"x".repeat(70_000)}\n\n`,
    ]
  ) await assert.rejects(read(connect(answer, 4096).connection), BadMessage, answer.slice(0, 60));
});

Deno.test("an idle connection that ends, or speaks unasked, is closed", async () => {
  const quiet = connect("");
  const gone = Promise.withResolvers<void>();
  quiet.connection.idle(gone.resolve);
  assert.ok(!quiet.connection.isClosed);
  quiet.conn.ended.resolve();
  await gone.promise;
  assert.ok(quiet.connection.isClosed && quiet.conn.isClosed);
  const loud = connect("HTTP/1.1 200 OK\n\n");
  const heard = Promise.withResolvers<void>();
  loud.connection.idle(heard.resolve);
  await heard.promise;
  assert.ok(loud.connection.isClosed);
});
