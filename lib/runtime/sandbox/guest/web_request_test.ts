import assert from "node:assert/strict";
import type { InvocationContext } from "./loader.ts";
import { type HttpEvent, toRequest } from "./web_request.ts";

const context = {
  functionName: "My_Function",
  signal: new AbortController().signal,
} as unknown as InvocationContext;

function request(fields: Partial<HttpEvent>): Request {
  const event = { method: "GET", path: "/", headers: {}, body: "", isBase64Encoded: false };
  return toRequest({ ...event, ...fields }, context);
}

Deno.test("toRequest: the query keeps the bytes that the client sent", () => {
  for (
    const search of [
      "",
      "?",
      "?x=1&y=2&x=3",
      "?q=a%20b+c&flag&e=",
      "?a=%ff%FE;b~%7E",
      "?it's=(*)&&",
      "??=?",
      "?u=http://a//b/../c",
    ]
  ) {
    assert.equal(request({ url: `/p${search}` }).url, `http://my-function/p${search}`);
  }
});

Deno.test("toRequest: no path changes the host", () => {
  for (
    const [url, expected] of [
      ["//example.com/x", "http://my-function//example.com/x"],
      ["//", "http://my-function//"],
      ["///", "http://my-function///"],
      ["/\\evil", "http://my-function//evil"],
      ["/\\/evil", "http://my-function///evil"],
      ["/@evil/", "http://my-function/@evil/"],
      ["/:80/", "http://my-function/:80/"],
      ["http://evil/", "http://my-function/http://evil/"],
      ["/a/../../b", "http://my-function/b"],
      ["", "http://my-function/"],
    ]
  ) {
    assert.equal(request({ url }).url, expected);
  }
});

Deno.test("toRequest: a client with TLS has an https: URL", () => {
  const headers = { host: "shop.example", "x-forwarded-proto": "https" };
  assert.equal(request({ headers }).url, "https://shop.example/");
});

Deno.test("toRequest: the host comes from a valid Host header, else from the function's name", () => {
  for (
    const [host, expected] of [
      ["shop.example:8080", "http://shop.example:8080/"],
      ["[::1]:1323", "http://[::1]:1323/"],
      ["evil/x?", "http://my-function/"],
      ["user@evil", "http://my-function/"],
      ["a\\b", "http://my-function/"],
      ["a:port", "http://my-function/"],
      ["", "http://my-function/"],
    ] as const
  ) {
    assert.equal(request({ headers: { host } }).url, expected, host);
  }
});

Deno.test("toRequest: an empty body is null, and no content type is added", async () => {
  const none = request({ method: "POST" });
  assert.deepEqual([none.body, [...none.headers]], [null, []]);
  const text = request({ method: "PUT", body: "Zoë" });
  assert.deepEqual([...text.headers], []);
  assert.equal(await text.text(), "Zoë");
  const bytes = request({ method: "POST", body: "/wA=", isBase64Encoded: true });
  assert.deepEqual(await bytes.bytes(), Uint8Array.of(255, 0));
});

Deno.test("toRequest: an event without url uses its path and query", () => {
  assert.equal(
    request({ path: "a", query: { x: ["1", "2"], y: "b c" } }).url,
    "http://my-function/a?x=1&x=2&y=b+c",
  );
});
