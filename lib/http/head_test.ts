import assert from "node:assert/strict";
import { BadMessage } from "./failures.ts";
import { parseResponseHead, requestHead } from "./head.ts";

const parse = (head: string, method = "POST") =>
  parseResponseHead(head.replaceAll("\n", "\r\n"), method);

Deno.test("requestHead: announces the length of the body, or chunks", () => {
  assert.equal(
    requestHead("POST", "/invoke/f?x=1", [["host", "a:1"]], 3),
    "POST /invoke/f?x=1 HTTP/1.1\r\nhost: a:1\r\ncontent-length: 3\r\n\r\n",
  );
  assert.match(requestHead("POST", "/", [], 0), /content-length: 0\r\n/);
  assert.equal(requestHead("GET", "/", [], 0), "GET / HTTP/1.1\r\n\r\n");
  assert.match(requestHead("PUT", "/", [], undefined), /transfer-encoding: chunked\r\n/);
});

Deno.test("parseResponseHead: body is delimited by its length, by chunks, or by the end", () => {
  const head = parse("HTTP/1.1 200 OK\nContent-Length: 12\nX-A: b: c \nx-a: d");
  assert.deepEqual([head.status, head.framing, head.keepAlive], [200, 12, true]);
  assert.deepEqual(head.headers.slice(1), [["x-a", "b: c"], ["x-a", "d"]]);
  assert.equal(parse("HTTP/1.1 200 OK\nTransfer-Encoding: Chunked").framing, "chunked");
  const old = parse("HTTP/1.0 200 OK");
  assert.deepEqual([old.framing, old.keepAlive], ["eof", false]);
});

Deno.test("parseResponseHead: HEAD, 204 and 304, have no body despite a length", () => {
  assert.equal(parse("HTTP/1.1 200 OK\nContent-Length: 12", "HEAD").framing, 0);
  assert.equal(parse("HTTP/1.1 204 No Content").framing, 0);
  assert.equal(parse("HTTP/1.1 304\nContent-Length: 12").framing, 0);
});

Deno.test("parseResponseHead: derives keepAlive from the version and the Connection header", () => {
  const keeps = (head: string) => parse(`${head}\nContent-Length: 0`).keepAlive;
  assert.ok(keeps("HTTP/1.1 200 OK"));
  assert.ok(!keeps("HTTP/1.1 200 OK\nConnection: Close"));
  assert.ok(!keeps("HTTP/1.0 200 OK"));
  assert.ok(keeps("HTTP/1.0 200 OK\nConnection: keep-alive"));
});

Deno.test("parseResponseHead: rejects heads that are ambiguous or not HTTP/1", () => {
  for (
    const head of [
      "HTTP/2 200",
      "SSH-2.0-OpenSSH",
      "HTTP/1.1 20",
      "HTTP/1.1 200 OK\nno colon",
      "HTTP/1.1 200 OK\nX-A: b\n folded: c",
      "HTTP/1.1 200 OK\nContent-Length : 1",
      "HTTP/1.1 200 OK\nX-A: \0",
      "HTTP/1.1 200 OK\nContent-Length: -1",
      "HTTP/1.1 200 OK\nContent-Length: 1, 2",
      "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2",
      "HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked",
      "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked",
    ]
  ) assert.throws(() => parse(head), BadMessage, head);
});

Deno.test("parseResponseHead: accepts lines without a CR", () => {
  const head = parseResponseHead("HTTP/1.1 200 OK\nContent-Length: 5\r\nX-A: b", "POST");
  assert.deepEqual([head.framing, head.headers[1]], [5, ["x-a", "b"]]);
});

Deno.test("requestHead: path or header with a line end, cannot begin another line", () => {
  const line = requestHead("GET", "/fn/f/a b\r\nx: y/\u010a\u{1f600}", [], 0);
  assert.equal(line, "GET /fn/f/a%20b%0D%0Ax:%20y/%C4%8A%F0%9F%98%80 HTTP/1.1\r\n\r\n");
  for (const value of ["a\r\nb: c", "a\nb", "\0", "\u010a"]) {
    assert.throws(() => requestHead("GET", "/", [["x-a", value]], 0), TypeError);
  }
  assert.match(requestHead("GET", "/", [["x-a", "caff\xe8\t"]], 0), /x-a: caff\xe8\t\r\n/);
});
