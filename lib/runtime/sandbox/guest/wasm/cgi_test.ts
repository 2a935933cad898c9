import assert from "node:assert/strict";
import { cgiAnswer, CgiError, cgiRequest, plainAnswer } from "./cgi.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const body = (answer: { body: string }) =>
  new TextDecoder().decode(Uint8Array.fromBase64(answer.body));

const event = {
  method: "PUT",
  url: "/caf%C3%A9//a?x=%ff&y",
  path: "/caf%C3%A9//a",
  headers: {
    "host": "shop.example:8080",
    "content-type": "image/x",
    "content-length": "2",
    "x-name": "Zo\u00c3\u00ab",
    "proxy": "http://evil",
    "x_y": "1",
  },
  body: "/wA=",
  isBase64Encoded: true,
};

Deno.test("cgiRequest: a request becomes environment variables and standard input", () => {
  const { env, stdin } = cgiRequest(event, "f");
  assert.deepEqual(env, [
    "GATEWAY_INTERFACE=CGI/1.1",
    "SERVER_SOFTWARE=serverledge",
    "SERVER_PROTOCOL=HTTP/1.1",
    "SERVER_NAME=shop.example",
    "SERVER_PORT=8080",
    "REQUEST_METHOD=PUT",
    "REQUEST_URI=/fn/f/caf%C3%A9//a?x=%ff&y",
    "SCRIPT_NAME=/fn/f",
    "PATH_INFO=/caf\u00e9//a",
    "QUERY_STRING=x=%ff&y",
    "CONTENT_TYPE=image/x",
    "CONTENT_LENGTH=2",
    "HTTP_HOST=shop.example:8080",
    "HTTP_X_NAME=Zo\u00eb",
  ]);
  assert.deepEqual(stdin, Uint8Array.of(255, 0));
});

Deno.test("cgiRequest: an absent header sets no variable, and an undecodable path stays encoded", () => {
  const { env, stdin } = cgiRequest(
    { ...event, url: "/%ff", headers: { host: "[::1]:1" }, body: "", isBase64Encoded: false },
    "f",
  );
  assert.equal(stdin.length, 0);
  for (const line of ["SERVER_NAME=[::1]", "PATH_INFO=/%ff", "QUERY_STRING="]) {
    assert.ok(env.includes(line), line);
  }
  assert.ok(!env.some((line) => line.startsWith("CONTENT_")));
  const nul = cgiRequest({ ...event, url: "/a%00b" }, "f").env;
  assert.ok(nul.includes("PATH_INFO=/a%00b"));
});

Deno.test("plainAnswer: all output is the body, including text that looks like headers", () => {
  const header = "Content-Type: text/html\n\n<script>";
  assert.equal(body(plainAnswer(bytes(header))), header);
  assert.deepEqual(plainAnswer(bytes(header)).headers, {
    "content-type": "text/plain; charset=UTF-8",
  });
  const image = plainAnswer(Uint8Array.of(255));
  assert.deepEqual([image.statusCode, image.headers], [200, {
    "content-type": "application/octet-stream",
  }]);
  assert.deepEqual(plainAnswer(new Uint8Array()).headers, { "content-type": [] });
});

Deno.test("cgiAnswer: output with headers, an empty line and a body becomes a response", () => {
  const response = cgiAnswer(
    bytes("Status: 404 Not Found\r\nSet-Cookie: a=1\r\nset-cookie: b\r\n\r\nno\n\n"),
  );
  assert.deepEqual([response.statusCode, body(response)], [404, "no\n\n"]);
  assert.deepEqual({ ...response.headers }, { "content-type": [], "set-cookie": ["a=1", "b"] });
  const html = cgiAnswer(bytes("Content-type:text/html\n\n"));
  assert.deepEqual([html.statusCode, html.headers["content-type"]], [200, ["text/html"]]);
  const away = cgiAnswer(bytes("Location: http://example.com/\n\n"));
  assert.equal(away.statusCode, 302);
});

Deno.test("cgiAnswer: malformed output throws", () => {
  for (const text of ["", "hello", "hello\n\nworld", "X-Mine: 1\n\n", "\n\nbody"]) {
    assert.throws(() => cgiAnswer(bytes(text)), CgiError, text);
  }
});
