import assert from "node:assert/strict";
import * as fc from "fast-check";
import { parseRequestHead, RefusedRequest } from "./request_head.ts";

/** Parses a head with these lines, in the form that `Input.takeHead` returns. */
function parse(...lines: string[]) {
  return parseRequestHead(lines.map((line) => `${line}\r`).join("\n"), () => "own:80");
}

function statusOf(...lines: string[]): number {
  try {
    parse(...lines);
    return 0;
  } catch (error) {
    assert.ok(error instanceof RefusedRequest, String(error));
    return error.status;
  }
}

Deno.test("parseRequestHead: reads method, target, headers and framing", () => {
  const head = parse(
    "POST /invoke/f?a=%20+&b HTTP/1.1",
    "Host: Node:1323",
    "X-Two: 1",
    "x-two:\t 2 \t",
    "Content-Length: 12",
    "Empty:",
  );
  assert.equal(head.method, "POST");
  assert.equal(head.target, "/invoke/f?a=%20+&b");
  assert.deepEqual(head.headers.pairs, [
    ["host", "Node:1323"],
    ["x-two", "1"],
    ["x-two", "2"],
    ["content-length", "12"],
    ["empty", ""],
  ]);
  assert.equal(head.headers.get("x-two"), "1, 2");
  assert.equal(head.headers.get("none"), null);
  assert.equal(head.framing, 12);
  assert.deepEqual([head.keepAlive, head.isOld, head.expectsContinue], [true, false, false]);
});

Deno.test("parseRequestHead: accepts lines without a CR", () => {
  const head = parseRequestHead("GET / HTTP/1.1\nhost: a\nx: 1", () => "own:80");
  assert.deepEqual(head.headers.pairs, [["host", "a"], ["x", "1"]]);
});

Deno.test("parseRequestHead: reduces a URL to its path, percent-encodes other bytes than ASCII", () => {
  const cases = [
    ["//example.com/x", "//example.com/x"],
    ["/\\example.com", "/\\example.com"],
    ["/a/../b?x=/../", "/a/../b?x=/../"],
    ["http://a/x?y", "/x?y"],
    ["HTTP://A", "/"],
    ["http://a?x", "/?x"],
    ["/caf\xc3\xa9?q=\xe9", "/caf%C3%A9?q=%E9"],
  ] as const;
  for (const [sent, target] of cases) {
    assert.equal(parse(`GET ${sent} HTTP/1.1`, "Host: a").target, target, sent);
  }
  assert.equal(parse("OPTIONS * HTTP/1.1", "Host: a").target, "*");
});

Deno.test("parseRequestHead: prefers the host of a URL to the Host header", () => {
  const head = parse("GET http://other.example:81/x HTTP/1.1", "X: 1", "Host: a");
  assert.deepEqual(head.headers.pairs, [["host", "other.example:81"], ["x", "1"]]);
  assert.equal(parse("GET http://b/ HTTP/1.0").headers.get("host"), "b");
});

Deno.test("parseRequestHead: uses the host of the server for requests without one", () => {
  const own = [["host", "own:80"]];
  assert.deepEqual(parse("GET /x HTTP/1.1", "Host: ").headers.pairs, own);
  assert.deepEqual(parse("GET /x HTTP/1.0").headers.pairs, own);
  assert.equal(parse("GET http://b/ HTTP/1.1", "Host:").headers.get("host"), "b");
});

Deno.test("parseRequestHead: derives keepAlive from the version and the Connection header", () => {
  const cases = [
    ["1.1", "", true],
    ["1.1", "close", false],
    ["1.1", "Keep-Alive, Close", false],
    ["1.1", "disclose", true],
    ["1.0", "", false],
    ["1.0", "keep-alive", true],
    ["1.0", "keep-alive, close", false],
  ] as const;
  for (const [version, connection, keepAlive] of cases) {
    const lines = connection === "" ? [] : [`Connection: ${connection}`];
    const head = parse(`GET / HTTP/${version}`, "Host: a", ...lines);
    assert.equal(head.keepAlive, keepAlive, `${version} ${connection}`);
  }
});

Deno.test("parseRequestHead: request with both lengths, is read in chunks and not kept alive", () => {
  const head = parse(
    "POST / HTTP/1.1",
    "Host: a",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
  );
  assert.deepEqual([head.framing, head.keepAlive], ["chunked", false]);
});

Deno.test("parseRequestHead: rejects heads that are ambiguous or not HTTP/1", () => {
  const host = "Host: a";
  const cases: [number, ...string[]][] = [
    [400, "GET / HTTP/1.1"],
    [400, "GET / HTTP/1.1", host, "Host: b"],
    [400, "GET / HTTP/1.0", host, host],
    [0, "GET / HTTP/1.0"],
    [400, "GET / HTTP/1.1", "Host: a b"],
    [400, "GET / HTTP/1.1", "Host: a/b"],
    [400, "GET http:///x HTTP/1.1", host],
    [400, "GET http://a@b/ HTTP/1.1", "Host: b"],
    [400, "GET https://a/ HTTP/1.1", host],
    [400, "GET a HTTP/1.1", host],
    [400, "GET * HTTP/1.1", host],
    [400, "GET /#x HTTP/1.1", host],
    [400, "GET  / HTTP/1.1", host],
    [400, "GET / HTTP/1.1 ", host],
    [400, "G(T / HTTP/1.1", host],
    [400, "GET /", host],
    [400, ""],
    [505, "GET / HTTP/2.0", host],
    [505, "GET / HTTP/3.7", host],
    [400, "GET / HTTP/1.1", host, " folded: 1"],
    [400, "GET / HTTP/1.1", host, "x: 1", "\tfolded"],
    [400, "GET / HTTP/1.1", host, "x : 1"],
    [400, "GET / HTTP/1.1", host, ": 1"],
    [400, "GET / HTTP/1.1", host, "no colon"],
    [400, "GET / HTTP/1.1", host, "x: a\rb: c"],
    [400, "GET / HTTP/1.1", host, "x: a\0"],
    [400, "GET / HTTP/1.1", host, "x\xe9: a"],
    [400, "POST / HTTP/1.1", host, "Content-Length: 1", "Content-Length: 1"],
    [400, "POST / HTTP/1.1", host, "Content-Length: 1, 1"],
    [400, "POST / HTTP/1.1", host, "Content-Length: +1"],
    [400, "POST / HTTP/1.1", host, "Content-Length: 0x1"],
    [400, "POST / HTTP/1.1", host, "Content-Length:"],
    [400, "POST / HTTP/1.1", host, "Content-Length: 9999999999999999"],
    [501, "POST / HTTP/1.1", host, "Transfer-Encoding: gzip, chunked"],
    [501, "POST / HTTP/1.1", host, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    [501, "POST / HTTP/1.1", host, "Transfer-Encoding: xchunked"],
    [400, "POST / HTTP/1.0", host, "Transfer-Encoding: chunked"],
    [417, "POST / HTTP/1.1", host, "Expect: miracles"],
    [414, `GET /${"x".repeat(33_000)} HTTP/1.1`, host],
    [431, "GET / HTTP/1.1", host, ...Array(200).fill("x: 1")],
  ];
  for (const [status, ...lines] of cases) {
    assert.equal(statusOf(...lines), status, JSON.stringify(lines).slice(0, 100));
  }
});

Deno.test("parseRequestHead: parses long runs of blanks and colons in linear time", () => {
  const long = 60_000;
  for (const text of [" ".repeat(long), "\t \t".repeat(long / 3), ":".repeat(long)]) {
    // A quadratic step would make each of these take minutes.
    const { headers } = parse("GET / HTTP/1.1", "Host: a", `x:${text}y`, `z:${text}`);
    assert.equal(headers.get("x"), `${text}y`.trim());
    assert.equal(statusOf("GET / HTTP/1.1", `Host: ${text}/`), 400);
    assert.notEqual(statusOf(`GET ${text} HTTP/1.1`, "Host: a"), 0);
  }
});

Deno.test("parseRequestHead: arbitrary bytes, are parsed unambiguously or rejected", () => {
  const piece = fc.constantFrom(
    ...[
      "GET ",
      "POST ",
      "/",
      "//",
      "http://",
      "a",
      " HTTP/1.1",
      " HTTP/1.0",
      "\r\n",
      "\n",
      "\r",
      " ",
    ],
    ...[
      "Host: a",
      "Content-Length: ",
      "Transfer-Encoding: ",
      "chunked",
      "1",
      ",",
      ":",
      "\t",
      "\0",
      "\xff",
      "x",
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const text = pieces.join("").split(/\r?\n\r?\n/)[0]!;
      try {
        const { target, headers, framing } = parseRequestHead(text, () => "own:80");
        assert.ok(target.startsWith("/"));
        for (const [name, value] of headers) assert.doesNotMatch(name + value, /[\r\n\0]/);
        assert.ok(framing === "chunked" || Number.isSafeInteger(framing));
      } catch (error) {
        assert.ok(error instanceof RefusedRequest, String(error));
        assert.ok(error.status >= 400 && error.status < 600);
      }
    }),
    { numRuns: 3_000 },
  );
});
