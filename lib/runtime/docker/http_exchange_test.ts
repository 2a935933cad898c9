import assert from "node:assert/strict";
import { AnswerReader, BadAnswer, ConnectionLost } from "./http_exchange.ts";

/** Reads an answer that arrives in pieces of the given length. */
async function read(text: string, pieceLength: number, maxBytes = 1000) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const reader = new AnswerReader({
    read(buffer) {
      if (at === bytes.length) return Promise.resolve(null);
      const piece = bytes.subarray(at, at + Math.min(pieceLength, buffer.length));
      buffer.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
  }, maxBytes);
  const { status, body } = await reader.read();
  return { status, body: new TextDecoder().decode(body) };
}

const answers: [string, string][] = [
  ["HTTP/1.0, closed by the end of the stream", "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello, wörld"],
  ["a length", "HTTP/1.1 200 OK\r\ncontent-LENGTH: 13\r\n\r\nhello, wörld and more"],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n8\r\n, wörld\r\n0\r\n\r\n",
  ],
  ["an answer before the answer", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \n\nhello, wörld"],
];

for (const [name, text] of answers) {
  Deno.test(`an answer is read: ${name}`, async () => {
    for (let length = 1; length <= text.length; length++) {
      assert.deepEqual(await read(text, length), { status: 200, body: "hello, wörld" });
    }
  });
}

Deno.test("an empty body is read", async () => {
  assert.deepEqual(await read("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 7), {
    status: 500,
    body: "",
  });
});

Deno.test("an answer cut short is a lost connection", async () => {
  const cut = [
    "",
    "HTTP/1.1 200",
    "HTTP/1.1 200 OK\r\nA: b",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello\r\n",
  ];
  for (const text of cut) await assert.rejects(read(text, 100), ConnectionLost, text);
});

Deno.test("what is not HTTP, or too long, is refused", async () => {
  const bad = [
    "SSH-2.0-x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
    `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(1001)}`,
    `HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(20_000)}\r\n`,
  ];
  for (const text of bad) await assert.rejects(read(text, 50_000), BadAnswer, text.slice(0, 80));
});
