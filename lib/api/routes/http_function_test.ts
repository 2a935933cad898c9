import assert from "node:assert/strict";
import {
  fakeServices,
  invocationOf,
  sampleReport,
  sampleResult,
  type TestRequest,
} from "../../../tests/support/fakes/fake_services.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { createApp } from "../app.ts";
import { incomingRequest } from "../../http/server/web.ts";
import { type HttpEvent, toHttpAnswer, toHttpEvent, toRawRequest } from "./http_event.ts";
import { hopHeaders } from "../../cluster/peers/hop_headers.ts";
import { reportHeader } from "../../cluster/peers/event_exchange.ts";
import type { Origin } from "../../model/hop.ts";
import type { RawHttpResponse } from "../../model/raw_http.ts";

/** Sends a request. Returns the event for the handler, and the response for the given result. */
async function send(path: string, init: TestRequest = {}, result?: string) {
  let event: unknown;
  const app = createApp(fakeServices({
    invoke(_name, request) {
      event = JSON.parse(new TextDecoder().decode(request.params.json));
      const report = {
        ...sampleResult.report,
        result: result ?? new TextDecoder().decode(request.params.json),
      };
      return invocationOf(Promise.resolve({ report }));
    },
  }));
  const answer = await app.request(path, init);
  return { event: event as HttpEvent, answer };
}

const allBytes = Uint8Array.from({ length: 256 }, (_, at) => at);

Deno.test("toHttpEvent: contains method, path and query", async () => {
  const cases = [
    ["/fn/hello", "/", {}],
    ["/fn/hello/", "/", {}],
    ["/fn/hello/a/b.txt", "/a/b.txt", {}],
    ["/fn/hello//a%2Fb%20c/", "//a%2Fb%20c/", {}],
    ["/fn/hello/fn/x?a=1&b=2&a=3&c", "/fn/x", { a: ["1", "3"], b: "2", c: "" }],
    ["/fn/hello?q=a%20b+c", "/", { q: "a b c" }],
    ["/fn/h%65llo/x?__proto__=1", "/x", Object.fromEntries([["__proto__", "1"]])],
  ] as const;
  for (const [target, path, query] of cases) {
    const { event } = await send(target);
    assert.equal(event.method, "GET", target);
    const sent = target.replace(/^\/fn\/[^/?]+/, "");
    assert.equal(event.url, sent.startsWith("/") ? sent : `/${sent}`);
    assert.equal(event.path, path, target);
    assert.deepEqual(event.query, query, target);
    assert.equal(event.body, "");
    assert.equal(event.isBase64Encoded, false);
  }
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    assert.equal((await send("/fn/hello/x", { method })).event.method, method);
  }
});

Deno.test("toHttpEvent: contains the headers in lower case, without those of the connection", async () => {
  const { event } = await send("/fn/hello", {
    headers: {
      "X-Custom": "1",
      "Connection": "keep-alive, X-Secret",
      "Keep-Alive": "timeout=5",
      "X-Secret": "hop",
      "Proxy-Authorization": "Basic x",
      "TE": "trailers",
      "Authorization": "Bearer mine",
    },
  });
  assert.deepEqual(event.headers, {
    "host": "localhost",
    "x-custom": "1",
    "authorization": "Bearer mine",
  });
});

Deno.test("toRawRequest: keys of nodes are removed, also where none is required; other tokens are not", () => {
  const headersOf = (authorization: string, isAuthorized?: boolean) =>
    toRawRequest(
      { method: "GET", target: "/fn/web", headers: [["Authorization", authorization]] },
      new Uint8Array(),
      isAuthorized,
    ).headers;
  assert.deepEqual(headersOf("Bearer sl_abc"), []);
  assert.deepEqual(headersOf("bearer  SL_abc"), []);
  assert.deepEqual(headersOf("Basic eDp5, Bearer sl_abc"), [], "two headers of HTTP/2");
  assert.deepEqual(headersOf("Bearer other"), [["authorization", "Bearer other"]]);
  assert.deepEqual(headersOf("Bearer other", true), []);
});

Deno.test("toRawRequest: repeated headers and the host of HTTP/2, keep their order", () => {
  const httpRequest = toRawRequest({
    method: "POST",
    target: "/fn/web//a\\b?x=1&y=2&x=%ff&e&f=&q=a%20b+c;~'",
    headers: [
      ["X-B", "1"],
      ["Cookie", "a=1"],
      ["Connection", "x-one"],
      ["x-a", "2"],
      ["x-one", "hop"],
      ["X-b", "3"],
      ["connection", "x-two"],
      ["X-Two", "hop"],
      ["cookie", "b=2"],
      ["serverledge-visited", "edge"],
      ["serverledge-balancer", "lb"],
      ["Serverledge-Balancers", "lb"],
    ],
  }, new Uint8Array());
  const { headers, url, path } = toHttpEvent(httpRequest);
  assert.deepEqual(Object.entries(headers), [["x-b", "1, 3"], ["cookie", "a=1; b=2"], [
    "x-a",
    "2",
  ]]);
  assert.equal(url, "//a\\b?x=1&y=2&x=%ff&e&f=&q=a%20b+c;~'");
  assert.equal(path, "//a\\b");
  const bare = { headers: new Headers(), method: "GET", url: "http://other:8080/fn/web?" };
  const request = incomingRequest(bare as unknown as Request);
  assert.deepEqual([request.target, ...request.headers], ["/fn/web?", ["host", "other:8080"]]);
  assert.equal(toHttpEvent(toRawRequest(request, new Uint8Array())).url, "/?");
});

Deno.test("toHttpEvent: text body, stays text; any other body becomes base64", async () => {
  const cases: [string, Uint8Array<ArrayBuffer>, string, boolean][] = [
    ["text/plain", new TextEncoder().encode("Zoë"), "Zoë", false],
    ["application/json; charset=utf-8", new TextEncoder().encode("{}"), "{}", false],
    ["application/ld+json", new TextEncoder().encode("{}"), "{}", false],
    ["application/x-www-form-urlencoded", new TextEncoder().encode("a=1"), "a=1", false],
    ["application/x-www-form-urlencoded", allBytes, allBytes.toBase64(), true],
    ["image/jpeg", new TextEncoder().encode("abc"), "YWJj", true],
    ["image/jpeg", new Uint8Array(), "", false],
  ];
  for (const [type, bytes, body, isBase64Encoded] of cases) {
    const { event } = await send("/fn/hello", {
      method: "POST",
      headers: { "content-type": type },
      body: bytes,
    });
    assert.equal(event.body, body, type);
    assert.equal(event.isBase64Encoded, isBase64Encoded, type);
  }
});

Deno.test("toHttpAnswer: sends a string as text, any other result as JSON", async () => {
  const cases = [
    ['"hi"', "hi", "text/plain; charset=UTF-8"],
    ['{"a":1}', '{"a":1}', "application/json"],
    ["[1, 2]", "[1, 2]", "application/json"],
    ["null", "null", "application/json"],
    ['{"body":"x"}', '{"body":"x"}', "application/json"],
    ["not JSON", "not JSON", "text/plain; charset=UTF-8"],
    ["", "", "text/plain; charset=UTF-8"],
  ];
  for (const [result, body, type] of cases) {
    const { answer } = await send("/fn/hello", {}, result);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), body);
    assert.equal(answer.headers.get("content-type"), type);
  }
});

Deno.test("toHttpAnswer: sends the status, headers and body of an explicit response", async () => {
  const answer = toHttpAnswer(JSON.stringify({
    statusCode: 201,
    headers: {
      "Content-Type": "text/html",
      "Set-Cookie": ["a=1", "b=2"],
      "X-Number": 7,
      "Connection": "X-Secret",
      "X-Secret": "hop",
      "Transfer-Encoding": "chunked",
      "Content-Length": "3",
    },
    body: "<p>",
  }));
  assert.equal(answer.status, 201);
  assert.equal(await answer.text(), "<p>");
  // The server replaces the length, except for HEAD.
  assert.deepEqual([...answer.headers], [
    ["content-length", "3"],
    ["content-type", "text/html"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-number", "7"],
  ]);
});

Deno.test("toHttpAnswer: sends a base64 body as bytes", async () => {
  const body = allBytes.toBase64();
  const answer = toHttpAnswer(JSON.stringify({ statusCode: 200, body, isBase64Encoded: true }));
  assert.deepEqual(await answer.bytes(), allBytes);
  assert.equal(answer.headers.get("content-type"), "application/octet-stream");
});

Deno.test("toHttpAnswer: fills in the defaults of an explicit response", async () => {
  const cases: [unknown, number, string, string | null][] = [
    [{ statusCode: 404 }, 404, "", "text/plain; charset=UTF-8"],
    [{ headers: {}, body: "x" }, 200, "x", "text/plain; charset=UTF-8"],
    [{ statusCode: 200, body: { a: 1 } }, 200, '{"a":1}', "application/json"],
    [{ statusCode: 204, body: "x" }, 204, "", null],
    [{ statusCode: 304, headers: { ETag: "1" } }, 304, "", null],
    [{ statusCode: 200, headers: { "Content-Type": [] }, body: "x" }, 200, "x", null],
    [{ statusCode: 200, headers: { "x-a": [] }, body: "x" }, 200, "x", "text/plain; charset=UTF-8"],
    [{ statusCode: null, headers: null, body: null }, 200, "", "text/plain; charset=UTF-8"],
  ];
  for (const [result, status, body, type] of cases) {
    const answer = toHttpAnswer(JSON.stringify(result));
    assert.equal(answer.status, status);
    assert.equal(await answer.text(), body);
    assert.equal(answer.headers.get("content-type"), type);
  }
});

Deno.test("toHttpAnswer: keeps all digits of numbers in a body", async () => {
  const body = '{"id":9007199254740993,"f":[0.12345678901234567891,1e400],"s":"1234567890123456"}';
  const answer = toHttpAnswer(`{"statusCode": 200, "body": ${body}}`);
  assert.equal(await answer.text(), body);
});

Deno.test("toHttpAnswer: response that is not valid HTTP, throws FUNCTION_ERROR", () => {
  const cases: [unknown, string][] = [
    [{ statusCode: 199 }, "statusCode"],
    [{ statusCode: 600 }, "statusCode"],
    [{ statusCode: "200" }, "statusCode"],
    [{ statusCode: 200.5 }, "statusCode"],
    [{ statusCode: 200, headers: [] }, "headers"],
    [{ statusCode: 200, headers: { "a b": "x" } }, "headers.a b"],
    [{ statusCode: 200, headers: { a: "x\r\nSet-Cookie: b" } }, "headers.a"],
    [{ statusCode: 200, body: "%", isBase64Encoded: true }, "body"],
  ];
  for (const [result, path] of cases) {
    assert.throws(() => toHttpAnswer(JSON.stringify(result)), (thrown: unknown) => {
      assert.ok(thrown instanceof ServerledgeError);
      assert.equal(thrown.code, "FUNCTION_ERROR");
      assert.deepEqual(thrown.details, { path });
      return true;
    });
  }
});

Deno.test("/fn: sends the report to another node, but not to a client or the function", async () => {
  const hop = hopHeaders({
    id: "f-1",
    hopsLeft: 0,
    visited: ["edge"],
    budgetMs: 1000,
    originArea: "EDGE",
  });
  const headers = { ...Object.fromEntries(hop), "x-mine": "1" };
  const Result = JSON.stringify({ statusCode: 429, headers: { [reportHeader]: "{}" }, body: "no" });
  const { event, answer } = await send("/fn/hello", { headers }, Result);
  assert.deepEqual(event.headers, { "host": "localhost", "x-mine": "1" });
  assert.equal(answer.status, 429);
  const { Result: _, ...rest } = sampleReport;
  assert.deepEqual(JSON.parse(answer.headers.get(reportHeader)!), rest);
  assert(Number(answer.headers.get("serverledge-free-mem")) >= 0);
  const direct = await send("/fn/hello", {}, Result);
  assert.equal(direct.answer.headers.get(reportHeader), null);
});

Deno.test("/fn: forwards request and response of another node unchanged", async () => {
  let origin: Origin | undefined;
  const headers = [["content-type", "image/png"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]];
  const app = createApp(fakeServices({
    invoke(_name, _request, from) {
      origin = from;
      const response = { status: 201, headers, body: allBytes } as unknown as RawHttpResponse;
      return invocationOf(Promise.resolve({ ...sampleResult, response }));
    },
  }));
  const answer = await app.request("/fn/hello//a%2Fb?q=%20x&y", { method: "PUT", body: allBytes });
  assert.deepEqual([answer.status, [...answer.headers]], [201, headers]);
  assert.deepEqual(await answer.bytes(), allBytes);
  const { method, target, body } = origin!.httpRequest!;
  assert.deepEqual([method, target, body], ["PUT", "/fn/hello//a%2Fb?q=%20x&y", allBytes]);
  assert.deepEqual([origin!.inputSize, origin!.hop], [256, undefined]);
});

Deno.test("/fn: HEAD, has a response without body", async () => {
  const { answer } = await send("/fn/hello", { method: "HEAD" }, '{"statusCode":203,"body":"x"}');
  assert.equal(answer.status, 203);
  assert.equal(await answer.text(), "");
});

Deno.test("/fn: hides the messages of a function unless fn.debug is true", async () => {
  const details = { error: { type: "KeyError", message: "pw" }, traceback: "line 1", output: "pw" };
  const failures = [
    new ServerledgeError("FUNCTION_ERROR", "KeyError: pw", { details }),
    new ServerledgeError("FUNCTION_CRASHED", "It printed pw", { details }),
    new ServerledgeError("DEADLINE_EXCEEDED", "too late", { details }),
    new ServerledgeError("ENGINE_REFUSED", "No image pw", { details }),
  ];
  for (const error of failures) {
    const failing = { invoke: () => invocationOf(Promise.reject(error)) };
    const answer = await createApp(fakeServices(failing)).request("/fn/hello");
    const text = await answer.text();
    assert.equal(answer.status, error.status);
    assert.doesNotMatch(text, /pw|traceback/);
    const { code, message, requestId } = JSON.parse(text);
    assert.deepEqual([code, requestId], [error.code, "hello-1"]);
    if (code === "ENGINE_REFUSED") assert.match(message, /^The function did not run; its log /);
    const open = await createApp(fakeServices(failing, { "fn.debug": true })).request("/fn/hello");
    assert.equal((await open.json()).traceback, "line 1");
    // Another node needs all details.
    const headers = Object.fromEntries(hopHeaders({
      id: "hello-1",
      originArea: "EDGE",
      hopsLeft: 1,
      budgetMs: 1000,
      visited: ["edge"],
    }));
    const hop = await createApp(fakeServices(failing)).request("/fn/hello", { headers });
    assert.equal((await hop.json()).output, "pw");
  }
});

Deno.test("/fn: reports errors in the format of other routes", async () => {
  const app = createApp(fakeServices({}, { "api.body.max": 1 }));
  const unknown = await app.request("/fn/nothing/x");
  assert.equal(unknown.status, 404);
  assert.equal((await unknown.json()).code, "FUNCTION_UNKNOWN");
  const large = await app.request("/fn/hello", {
    method: "POST",
    body: new Uint8Array((1 << 20) + 1),
  });
  assert.equal(large.status, 413);
  const verb = await app.request("/fn/hello", { method: "PROPFIND" });
  assert.equal(verb.status, 405);
});

Deno.test("/fn: offload.default decides whether a request may be offloaded", async () => {
  for (const allowed of [true, false]) {
    const seen: boolean[] = [];
    const services = fakeServices({
      invoke(_name, { canOffload }) {
        seen.push(canOffload);
        return invocationOf(Promise.resolve(sampleResult));
      },
    }, { "offload.default": allowed });
    await createApp(services).request("/fn/hello");
    assert.deepEqual(seen, [allowed]);
  }
});
