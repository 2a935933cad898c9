import assert from "node:assert/strict";
import { Connection } from "./connection.ts";
import { BadMessage, ConnectionBroken, NeverSent } from "./failures.ts";
import type { HttpRequest } from "./request.ts";

/** Connection in memory: records the written data, and responds piece by piece. */
class FakeWire {
  written = "";
  readonly #pieces: Uint8Array[] = [];
  isClosed = false;
  /** Makes the next write fail. */
  isBroken = false;
  /** Ends a pending read when there is no more response data. */
  readonly ended = Promise.withResolvers<void>();

  constructor(response: string, pieceSize: number) {
    const bytes = new TextEncoder().encode(response);
    for (let at = 0; at < bytes.length; at += pieceSize) {
      this.#pieces.push(bytes.slice(at, at + pieceSize));
    }
  }

  /** Leaves the connection open after the response. */
  async read(into: Uint8Array): Promise<number | null> {
    const piece = this.#pieces.shift();
    if (!piece) {
      await this.ended.promise;
      return null;
    }
    const fits = piece.subarray(0, into.length);
    into.set(fits);
    if (fits.length < piece.length) this.#pieces.unshift(piece.subarray(fits.length));
    return fits.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.isBroken) return Promise.reject(new Error("broken pipe"));
    const size = Math.min(bytes.length, 7);
    this.written += new TextDecoder().decode(bytes.subarray(0, size));
    return Promise.resolve(size);
  }

  close(): void {
    assert.ok(!this.isClosed);
    this.isClosed = true;
    this.ended.resolve();
  }
}

/** Returns a connection with this response. Each `\n` of the response is sent as CR LF. */
function connect(response: string, pieceSize = 5) {
  const wire = new FakeWire(response.replaceAll("\n", "\r\n"), pieceSize);
  return { wire, connection: new Connection(wire) };
}

const get: HttpRequest = { method: "GET", path: "/", headers: [], body: undefined };
const hello = new TextEncoder().encode("hello");

/** Reads a response part by part. */
async function read(connection: Connection, request = get): Promise<string> {
  const { body } = await connection.ask(request);
  let text = "";
  for (let part = await body.part(); part; part = await body.part()) {
    text += new TextDecoder().decode(part);
  }
  return text;
}

/** Reads a whole response. */
async function whole(connection: Connection, maxBytes = 1000): Promise<string> {
  const { body } = await connection.ask(get);
  return new TextDecoder().decode(await body.whole(maxBytes));
}

/** Lets all pending microtasks run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

const responses = {
  "of a length": "HTTP/1.1 200 OK\ncontent-LENGTH: 11\n\nhello world",
  "in chunks":
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n6;x=y\nhello \n5\nworld\n0\nTrailer: 1\n\n",
  "after another":
    "HTTP/1.1 103 Early\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 11\n\nhello world",
};

for (const [name, response] of Object.entries(responses)) {
  Deno.test(`Connection: response ${name}, is read from pieces of any size`, async () => {
    for (let size = 1; size <= response.length + 10; size++) {
      for (const reading of [read, whole]) {
        const { connection } = connect(response, size);
        assert.equal(await reading(connection), "hello world");
        await settle();
        assert.ok(connection.isReusable);
      }
    }
  });
}

Deno.test("Connection: reads a body that ends with the connection", async () => {
  for (const reading of [read, whole]) {
    const { wire, connection } = connect("HTTP/1.0 200 OK\n\nhello world");
    wire.ended.resolve();
    assert.equal(await reading(connection), "hello world");
    assert.ok(!connection.isReusable);
  }
});

Deno.test("Connection: accepts lines without a CR", async () => {
  const wire = new FakeWire("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \n\nhello", 3);
  wire.ended.resolve();
  assert.equal(await read(new Connection(wire)), "hello");
});

Deno.test("Connection: chunked body without trailer section, is complete after the last chunk", async () => {
  const { wire, connection } = connect(
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n",
  );
  wire.ended.resolve();
  assert.equal(await whole(connection), "hello");
  assert.ok(!connection.isReusable);
});

Deno.test("Connection: serves consecutive exchanges", async () => {
  const one = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n";
  const { connection } = connect(`${one}HTTP/1.1 200 OK\nContent-Length: 1\n\nb`, 1);
  assert.equal(await read(connection), "a");
  await settle();
  assert.ok(connection.isReusable);
  assert.equal(await read(connection), "b");
});

Deno.test("Connection: is not reusable if the next response would be ambiguous", async () => {
  const closing = connect("HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\na", 1);
  const unasked = connect("HTTP/1.1 200 OK\nContent-Length: 1\n\nabc", 1000);
  for (const { connection } of [closing, unasked]) {
    assert.equal(await read(connection), "a");
    await settle();
    assert.ok(!connection.isReusable);
  }
  const early = connect("HTTP/1.1 413 Large\nContent-Length: 0\n\n");
  const endless = new ReadableStream<Uint8Array>();
  assert.equal(await read(early.connection, { ...get, method: "POST", body: endless }), "");
  await settle();
  assert.ok(!early.connection.isReusable);
});

Deno.test("Connection: sends bytes with their length, streams in chunks", async () => {
  const response = "HTTP/1.1 200 OK\nContent-Length: 0\n\n";
  const joined = connect(response);
  await read(joined.connection, { ...get, method: "POST", body: hello });
  await settle();
  assert.match(joined.wire.written, /\r\ncontent-length: 5\r\n\r\nhello$/);
  const large = connect(response);
  await read(large.connection, { ...get, method: "POST", body: new Uint8Array(70_000).fill(97) });
  while (!large.connection.isReusable) await Promise.resolve();
  assert.match(large.wire.written, /content-length: 70000\r\n\r\na{70000}$/);
  const stream = connect(response);
  const body = ReadableStream.from([hello, new Uint8Array(), hello]);
  await read(stream.connection, { ...get, method: "POST", body });
  while (!stream.connection.isReusable) await Promise.resolve();
  assert.match(stream.wire.written, /chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n$/);
});

Deno.test("Connection: failed first write, throws NeverSent and does not read the stream", async () => {
  const { wire, connection } = connect("");
  wire.isBroken = true;
  const body = ReadableStream.from([hello]);
  await assert.rejects(connection.ask({ ...get, method: "POST", body }), NeverSent);
  assert.equal(await new Response(body).text(), "hello");
  connection[Symbol.dispose]();
  await assert.rejects(connection.ask(get), NeverSent);
});

Deno.test("Connection: reads a response even if the request was not sent completely", async () => {
  const { wire, connection } = connect("HTTP/1.1 413 Large\nContent-Length: 4\n\nstop");
  const asking = read(connection, { ...get, method: "POST", body: hello });
  wire.isBroken = true;
  assert.equal(await asking, "stop");
  assert.ok(!connection.isReusable);
});

Deno.test("Connection: throws ConnectionBroken for an incomplete response", async () => {
  const cut = [
    "",
    "HTTP/1.1 200",
    "HTTP/1.1 200 OK\nA: b",
    "HTTP/1.1 200 OK\nContent-Length: 5\n\nhell",
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhell",
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n",
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n50\nhello\n",
  ];
  for (const response of cut) {
    for (const reading of [read, whole]) {
      const { wire, connection } = connect(response);
      wire.ended.resolve();
      await assert.rejects(reading(connection), ConnectionBroken, response);
    }
  }
});

Deno.test("Connection: response not HTTP/1 or too long, is rejected without further data", async () => {
  const bad = [
    "SSH-2.0-x",
    "x",
    "HTTP/1.1 101 Switching Protocols\n\n",
    "HTTP/1.1 100 Continue\n\n".repeat(20),
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nxyz\n",
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabcd\n",
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3e9\n" + "x".repeat(1001),
    `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n${"a: b\n".repeat(101)}`,
    `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n${"0".repeat(2000)}`,
    "HTTP/1.1 200 OK\nContent-Length: 1001\n\n",
    `HTTP/1.1 200 OK\n\n${"x".repeat(1001)}`,
    `HTTP/1.1 200 OK\nX: ${"x".repeat(70_000)}\n\n`,
    `HTTP/1.1 200 OK\n${"A: b\n".repeat(20_000)}\n`,
  ];
  // The connection stays open, so the error must not depend on further data.
  for (const response of bad) {
    for (const size of [7, 4096]) {
      await assert.rejects(
        whole(connect(response, size).connection),
        BadMessage,
        response.slice(0, 80),
      );
    }
  }
});

Deno.test("Connection: idle connection that ends or receives data, is closed", async () => {
  const quiet = connect("");
  const gone = Promise.withResolvers<void>();
  quiet.connection.idle(gone.resolve);
  assert.ok(!quiet.connection.isClosed);
  quiet.wire.ended.resolve();
  await gone.promise;
  assert.ok(quiet.connection.isClosed && quiet.wire.isClosed);
  const loud = connect("HTTP/1.1 200 OK\n\n");
  const ended = Promise.withResolvers<void>();
  loud.connection.idle(ended.resolve);
  await ended.promise;
  assert.ok(loud.connection.isClosed);
});
