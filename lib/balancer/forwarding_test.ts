import assert from "node:assert/strict";
import { errorIn, warmExecutionIn } from "./answer.ts";
import { resourcesIn } from "../cluster/peers/resource_headers.ts";
import { answerHeaders, requestHeaders } from "./forwarded_headers.ts";
import { incomingRequest } from "../http/server/web.ts";
import { takeBody } from "./request_body.ts";

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

Deno.test("a small body is kept whole, a large one is passed on as it comes, neither loses a byte", async () => {
  assert.equal(await takeBody(incomingRequest(new Request("http://lb/"))), undefined);
  assert.deepEqual(await takeBody(incomingRequest(streamed(["ab", "cd"])), 4), bytes("abcd"));
  const large = await takeBody(incomingRequest(streamed(["ab", "cd", "ef", "gh"])), 3);
  assert.ok(large instanceof ReadableStream);
  assert.equal(await new Response(large).text(), "abcdefgh");
  const announced = new Request("http://lb/", {
    method: "POST",
    body: "abcd",
    headers: { "content-length": "4" },
  });
  assert.ok(await takeBody(incomingRequest(announced), 3) instanceof ReadableStream);
});

Deno.test("headers of one connection are not passed on, those of the request are", () => {
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
    },
  });
  const names = (isPage: boolean) =>
    requestHeaders(incomingRequest(request), { address: "10.0.0.9", isPage }, "a:1", "lb-1").map((
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
  const hostOf = (isPage: boolean) => {
    const named = new Request("http://lb:1/", { headers: { host: "shop.example" } });
    return requestHeaders(
      incomingRequest(named),
      { address: "10.0.0.9", isPage },
      "a:1",
      "lb-1",
    )[0];
  };
  assert.deepEqual(hostOf(false), ["host", "a:1"]);
  assert.deepEqual(hostOf(true), ["host", "shop.example"], "functions see their clients' host");
  assert.deepEqual(names(true), ["accept-encoding", ...common, "origin"].toSorted());
});

Deno.test("what only balancers read is taken from answers", () => {
  const headers = [
    ["content-type", "text/plain"],
    ["content-length", "3"],
    ["connection", "close"],
    ["serverledge-free-mem", "512"],
    ["serverledge-free-cpu", "1.500000"],
    ["serverledge-timestamp", "7"],
  ] as const;
  const passed = [...answerHeaders(headers)].map(([name]) => name);
  assert.deepEqual(passed, ["content-type", "serverledge-timestamp"]);
  assert.deepEqual(resourcesIn(headers), { freeMemoryMib: 512, freeCpu: 1.5 });
  assert.equal(resourcesIn(headers.slice(0, 4)), undefined);
});

Deno.test("only coded errors are taken for a node's word, only warm reports are learnt from", () => {
  const answer = (status: number, value: unknown) => ({
    status,
    headers: [],
    body: bytes(typeof value === "string" ? value : JSON.stringify(value)),
  });
  assert.equal(errorIn(answer(429, { code: "NODE_SATURATED", message: "full" }))?.elsewhere, true);
  assert.equal(errorIn(answer(502, { code: "FUNCTION_CRASHED" }))?.elsewhere, false);
  for (const value of ["", "busy", [1], { code: "constructor" }, { code: 7 }]) {
    assert.equal(errorIn(answer(503, value)), undefined);
  }
  assert.equal(errorIn(answer(200, { code: "NODE_SATURATED" })), undefined);
  const report = { Duration: 0.02, IsWarmStart: true, ExecutionNode: "a" };
  assert.deepEqual(warmExecutionIn(answer(200, report)), { node: "a", durationMs: 20 });
  assert.equal(warmExecutionIn(answer(200, { ...report, IsWarmStart: false })), undefined);
  assert.equal(warmExecutionIn(answer(200, { ReqId: "f-1" })), undefined);
  assert.equal(warmExecutionIn(answer(500, report)), undefined);
});
