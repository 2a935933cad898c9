import assert from "node:assert/strict";
import fc from "fast-check";
import { BadMessage } from "../../http/failures.ts";
import { ResponseParser } from "./response_parser.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Pushes pieces through one buffer, as a connection does. @returns the number of complete responses */
function feed(parser: ResponseParser, bytes: Uint8Array, cuts: readonly number[] = []): number {
  const buffer = new Uint8Array(bytes.length);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let [from, whole] = [0, 0];
  for (const end of ends) {
    if (end === from) continue;
    buffer.set(bytes.subarray(from, end));
    if (parser.push(buffer.subarray(0, end - from))) whole++;
    from = end;
  }
  return whole;
}

function parserOf(method = "POST", keeps = true): ResponseParser {
  const parser = new ResponseParser();
  parser.expect(method, keeps);
  return parser;
}

const cuts = fc.array(fc.nat(10_000), { maxLength: 20 });

Deno.test("ResponseParser: parses a response with a length in any pieces", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 200, max: 599 }), cuts, (body, status, at) => {
      fc.pre(status !== 204 && status !== 304);
      const content = encode(body);
      const head = `HTTP/1.1 ${status} X\r\nServer: a\r\nContent-Length: ${content.length}\r\n\r\n`;
      const parser = parserOf();
      assert.equal(feed(parser, new Uint8Array([...encode(head), ...content]), at), 1);
      assert.equal(parser.status, status);
      assert.deepEqual(parser.body().slice(), content);
      assert.equal(parser.bodyBytes, content.length);
      assert.ok(parser.keepAlive);
    }),
  );
});

Deno.test("ResponseParser: parses a chunked response in any pieces", () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }));
  fc.assert(fc.property(chunks, cuts, fc.boolean(), (parts, at, hasTrailer) => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const coded = parts.flatMap((part) => [
      ...encode(`${part.length.toString(16)};x=1\r\n`),
      ...part,
      ...encode("\r\n"),
    ]);
    const end = `0\r\n${hasTrailer ? "Digest: x\r\n" : ""}\r\n`;
    const parser = parserOf();
    assert.equal(feed(parser, new Uint8Array([...encode(head), ...coded, ...encode(end)]), at), 1);
    assert.deepEqual([...parser.body()], parts.flatMap((part) => [...part]));
  }));
});

Deno.test("ResponseParser: parses consecutive responses with equal and different heads", () => {
  const parser = new ResponseParser();
  const bodies = ["one", "two", "three", "six", ""];
  for (const body of bodies) {
    parser.expect("POST", true);
    assert.equal(parser.status, 0);
    const response = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    assert.equal(feed(parser, encode(response)), 1);
    assert.equal(decode(parser.body()), body);
  }
});

Deno.test("ResponseParser: ends a response without a length with the connection", () => {
  const parser = parserOf();
  assert.equal(feed(parser, encode("HTTP/1.0 200 OK\r\n\r\nhalf a"), [20, 22]), 0);
  assert.ok(parser.end());
  assert.equal(decode(parser.body()), "half a");
  assert.ok(!parser.keepAlive);
  const cut = parserOf();
  feed(cut, encode("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"));
  assert.ok(!cut.end());
  assert.ok(!parserOf().end());
});

Deno.test("ResponseParser: skips interim responses", () => {
  const parser = parserOf();
  const text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" +
    "HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\nok";
  assert.equal(feed(parser, encode(text), [3, 30, 70]), 1);
  assert.deepEqual([parser.status, decode(parser.body())], [201, "ok"]);
});

Deno.test("ResponseParser: completes responses without a body at their head", () => {
  assert.equal(feed(parserOf("HEAD"), encode("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")), 1);
  assert.equal(feed(parserOf(), encode("HTTP/1.1 204 No\r\n\r\n")), 1);
});

Deno.test("ResponseParser: only counts the bytes of a body that is not kept", () => {
  const parser = parserOf("GET", false);
  assert.equal(feed(parser, encode("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"), [40]), 1);
  assert.deepEqual([parser.bodyBytes, parser.body().length], [4, 0]);
});

Deno.test("ResponseParser: rejects other protocols and bytes after the end", () => {
  for (
    const text of [
      "SSH-2.0-OpenSSH_9.2\r\n",
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 101 Switching\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
    ]
  ) {
    fc.assert(
      fc.property(cuts, (at) => {
        assert.throws(() => feed(parserOf(), encode(text), at), BadMessage, text);
      }),
      { numRuns: 20 },
    );
  }
});

Deno.test("ResponseParser: bounds heads, lines and trailers", () => {
  const endless = (before: string, unit: string) => {
    const parser = parserOf();
    assert.throws(() => {
      feed(parser, encode(before));
      for (let n = 0; n < 100; n++) feed(parser, encode(unit));
    }, BadMessage);
  };
  endless("HTTP/1.1 200 OK\r\n", `X: ${"x".repeat(1000)}\r\n`);
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  endless(`${chunked}1;`, "x".repeat(1000));
  endless(`${chunked}0\r\n`, `X: ${"x".repeat(1000)}\r\n`);
});
