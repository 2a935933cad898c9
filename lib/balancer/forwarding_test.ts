import assert from "node:assert/strict";
import { codedErrorIn, warmExecutionIn } from "./response.ts";
import { resourcesIn } from "../cluster/peers/resource_headers.ts";
import { forwardingBalancer, requestHeaders, responseHeaders } from "./forwarded_headers.ts";
import { incomingRequest } from "../http/server/web.ts";
import { readBody } from "./request_body.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function streamed(parts: readonly string[]): Request {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(bytes(part));
      controller.close();
    },
  });
  return new Request("http://lb/invoke/f", { method: "POST", body });
}

Deno.test("readBody: buffers a small body, streams a large one, and loses no byte", async () => {
  assert.equal(await readBody(incomingRequest(new Request("http://lb/"))), undefined);
  assert.deepEqual(await readBody(incomingRequest(streamed(["ab", "cd"])), 4), bytes("abcd"));
  const large = await readBody(incomingRequest(streamed(["ab", "cd", "ef", "gh"])), 3);
  assert.ok(large instanceof ReadableStream);
  assert.equal(await new Response(large).text(), "abcdefgh");
  const announced = new Request("http://lb/", {
    method: "POST",
    body: "abcd",
    headers: { "content-length": "4" },
  });
  assert.ok(await readBody(incomingRequest(announced), 3) instanceof ReadableStream);
});

Deno.test("requestHeaders: drops the headers of the connection, and keeps the others", () => {
  const request = new Request("http://lb:1/invoke/f", {
    method: "POST",
    headers: {
      "connection": "x-once",
      "x-once": "1",
      "te": "trailers",
      "accept-encoding": "gzip",
      "origin": "http://lb:1",
      "content-type": "application/json",
      "serverledge-hops-left": "2",
      "serverledge-balancers": "lb-2",
    },
  });
  const names = (isPlainHttp: boolean) =>
    requestHeaders(incomingRequest(request), { address: "10.0.0.9", isPlainHttp }, "a:1", "lb-1")
      .map((
        [name],
      ) => name)
      .toSorted();
  const common = [
    "content-type",
    "host",
    "serverledge-balancer",
    "serverledge-hops-left",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
  ];
  assert.deepEqual(names(false), common);
  const hostOf = (isPlainHttp: boolean) => {
    const named = new Request("http://lb:1/", { headers: { host: "shop.example" } });
    return requestHeaders(
      incomingRequest(named),
      { address: "10.0.0.9", isPlainHttp },
      "a:1",
      "lb-1",
    )[0];
  };
  assert.deepEqual(hostOf(false), ["host", "a:1"]);
  assert.deepEqual(hostOf(true), ["host", "shop.example"], "functions see their clients' host");
  assert.deepEqual(names(true), ["accept-encoding", ...common, "origin"].toSorted());
});

Deno.test("forwardingBalancer: names the balancer of a request, also by the header of former versions", () => {
  const balancerOf = (headers: HeadersInit) =>
    forwardingBalancer(incomingRequest(new Request("http://lb/", { headers })));
  assert.equal(balancerOf({ "serverledge-balancer": "lb-2" }), "lb-2");
  assert.equal(balancerOf({ "serverledge-balancers": "lb-2, lb-3" }), "lb-2, lb-3");
  assert.equal(balancerOf({ "serverledge-visited": "node" }), null);
});

Deno.test("responseHeaders: drops headers that are for balancers only", () => {
  const headers = [
    ["content-type", "text/plain"],
    ["content-length", "3"],
    ["connection", "close"],
    ["serverledge-free-mem", "512"],
    ["serverledge-free-cpu", "1.500000"],
    ["serverledge-timestamp", "7"],
    ["serverledge-digest", "00"],
    ["serverledge-signature", "2 00"],
  ] as const;
  const passed = (isForNode: boolean) => responseHeaders(headers, isForNode).map(([name]) => name);
  assert.deepEqual(passed(false), ["content-type", "serverledge-timestamp"]);
  assert.deepEqual(passed(true), [...passed(false), "serverledge-digest"]);
  assert.deepEqual(resourcesIn(headers), { freeMemoryMib: 512, freeCpu: 1.5 });
  assert.equal(resourcesIn(headers.slice(0, 4)), undefined);
});

Deno.test("codedErrorIn, warmExecutionIn: accept only coded errors and warm executions", () => {
  const response = (status: number, value: unknown) => ({
    status,
    headers: [],
    body: bytes(typeof value === "string" ? value : JSON.stringify(value)),
  });
  assert.equal(
    codedErrorIn(response(429, { code: "NODE_SATURATED", message: "full" }))?.elsewhere,
    true,
  );
  assert.equal(codedErrorIn(response(502, { code: "FUNCTION_CRASHED" }))?.elsewhere, false);
  for (const value of ["", "busy", [1], { code: "constructor" }, { code: 7 }]) {
    assert.equal(codedErrorIn(response(503, value)), undefined);
  }
  assert.equal(codedErrorIn(response(200, { code: "NODE_SATURATED" })), undefined);
  const report = { Duration: 0.02, IsWarmStart: true, ExecutionNode: "a" };
  assert.deepEqual(warmExecutionIn(response(200, report)), { node: "a", durationMs: 20 });
  assert.equal(warmExecutionIn(response(200, { ...report, IsWarmStart: false })), undefined);
  assert.equal(warmExecutionIn(response(200, { ReqId: "f-1" })), undefined);
  assert.equal(warmExecutionIn(response(500, report)), undefined);
});
