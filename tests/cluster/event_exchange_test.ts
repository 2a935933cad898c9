/**
 * Requests over plain HTTP on their way to a peer, on real sockets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ManualClock } from "../../lib/base/clock.ts";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { readHop } from "../../lib/cluster/peers/hop_headers.ts";
import { reportHeader, reportHeaderOf } from "../../lib/cluster/peers/event_exchange.ts";
import { PeerClient } from "../../lib/cluster/peers/client.ts";
import type { Forwarded } from "../../lib/cluster/peers/peers.ts";
import { defaultRequest } from "../../lib/model/invocation.ts";
import { paramsOf } from "../../lib/model/params.ts";
import { sampleNode, sampleRecord } from "../contract/registry.ts";
import { eventually } from "../support/eventually.ts";
import { authOf, type Serve, signing } from "../support/fakes/signing_server.ts";
import { sampleReport, sampleResult } from "../support/fakes/fake_services.ts";

const never = new AbortController().signal;
const bytes = new Uint8Array(3 << 20).map((_, at) => at * 7);

/** A request to a function over plain HTTP that goes on to a peer. */
function forwarded(method = "PUT"): Forwarded {
  return {
    id: "f-1",
    record: sampleRecord("f"),
    request: { ...defaultRequest, params: paramsOf({ made: "from the event" }) },
    httpRequest: {
      method,
      target: "/fn/f//a%2Fb?q=%20x&y",
      headers: [["host", "edge:1323"], ["x-mine", "1"], ["content-length", "7"], [
        "accept-encoding",
        "gzip",
      ]],
      body: bytes,
    },
    budgetMs: 5000,
    hopsLeft: 0,
    visited: ["me"],
    originArea: "EDGE",
  };
}

/** A peer with a client that sends to it. */
function peerThat(serve: Serve, clock = new ManualClock()) {
  const closing = new AbortController();
  const peer = sampleNode("peer");
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: closing.signal },
    signing(authOf("s", peer), serve),
  );
  const client = new PeerClient(authOf("s", sampleNode("me")).signer, clock);
  const record = { ...peer, url: `http://127.0.0.1:${server.addr.port}` };
  return {
    send: (method?: string, signal = never) => client.send(record, forwarded(method), signal),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      closing.abort();
      await server.finished;
    },
  };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "OK", (error: ServerledgeError) => error.code);

Deno.test("a forwarded request arrives unchanged with its hop headers, and its response returns unchanged", async () => {
  await using peer = peerThat(async (request) => {
    assert.equal(readHop(request.headers)!.id, "f-1");
    assert.deepEqual([request.method, new URL(request.url).search], ["PUT", "?q=%20x&y"]);
    assert(request.url.endsWith("/fn/f//a%2Fb?q=%20x&y"), request.url);
    assert.equal(request.headers.get("host"), "edge:1323");
    assert.equal(request.headers.get("x-mine"), "1");
    const answer = new Response(await request.bytes(), { status: 429 });
    answer.headers.set("content-type", "image/png");
    answer.headers.append("set-cookie", "a=1");
    answer.headers.append("set-cookie", "b=2");
    answer.headers.set(...reportHeaderOf({ ...sampleResult.report, executionArea: "Zürich" }));
    return answer;
  });
  const { report, response } = await peer.send();
  assert.deepEqual(report, {
    ...sampleResult.report,
    executionArea: "Zürich",
    result: "",
  });
  assert.equal(response!.status, 429, "the function's own, which says nothing of the node");
  const wanted = response!.headers.filter(([name]) => name !== "vary");
  assert.deepEqual(wanted, [
    ["content-type", "image/png"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
  assert.deepEqual(await new Response(response!.body).bytes(), bytes);
});

Deno.test("a response without a report is the node's own", async () => {
  const cases = [
    [429, { code: "NODE_SATURATED", message: "full" }, "NODE_SATURATED"],
    [404, { code: "FUNCTION_UNKNOWN", message: "?" }, "PEER_DECLINED"],
    [500, { code: "FUNCTION_ERROR", message: "?" }, "FUNCTION_ERROR"],
    [200, { code: "NODE_SATURATED" }, "FUNCTION_CRASHED"],
    [429, "full", "FUNCTION_CRASHED"],
    [429, "full".repeat(1 << 20), "FUNCTION_CRASHED"],
  ] as const;
  for (const [status, body, expected] of cases) {
    await using peer = peerThat(() => Response.json(body, { status }));
    assert.equal(await codeOf(peer.send()), expected);
  }
  await using liar = peerThat(() => new Response("x", { headers: { [reportHeader]: "{}" } }));
  assert.equal(await codeOf(liar.send()), "FUNCTION_CRASHED");
});

Deno.test("HEAD is sent as an invocation, because its response could not report a rejection", async () => {
  await using peer = peerThat(async (request) => {
    assert.deepEqual([request.method, new URL(request.url).pathname], ["POST", "/invoke/f"]);
    assert.deepEqual((await request.json()).Params, { made: "from the event" });
    return Response.json(sampleReport);
  });
  assert.deepEqual(await peer.send("HEAD"), sampleResult);
});

Deno.test("a long response is passed on as it arrives; one that is no longer read is cancelled", async () => {
  const cancelled = Promise.withResolvers<void>();
  let sent = 0;
  await using peer = peerThat(() => {
    const answer = new Response(
      new ReadableStream({
        pull: (controller) => {
          sent += 1 << 16;
          controller.enqueue(new Uint8Array(1 << 16));
        },
        cancel: () => cancelled.resolve(),
      }),
    );
    answer.headers.set(...reportHeaderOf(sampleResult.report));
    return answer;
  });
  const { response } = await peer.send();
  assert(response!.body instanceof ReadableStream);
  const reader = response!.body.getReader();
  assert((await reader.read()).value!.length > 0);
  assert(sent < 64 << 20, "nobody reads it all ahead");
  await reader.cancel();
  await cancelled.promise;
});

Deno.test("a long response that breaks off is aborted, as is one whose request is cancelled", async () => {
  for (const end of ["stall", "signal"]) {
    const clock = new ManualClock();
    let silent: ReadableStreamDefaultController | undefined;
    await using peer = peerThat(() => {
      const answer = new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(10));
            silent = controller;
          },
        }),
      );
      answer.headers.set(...reportHeaderOf(sampleResult.report));
      return answer;
    }, clock);
    const control = new AbortController();
    const { response } = await peer.send("GET", control.signal);
    const reader = (response!.body as ReadableStream<Uint8Array>).getReader();
    assert.equal((await reader.read()).value!.length, 10);
    let broken = false;
    const rest = reader.read().catch(() => broken = true);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve(); // It asks for more.
    if (end === "stall") {
      clock.advance(59_000);
      assert.equal(broken, false);
      clock.advance(2_000);
    } else control.abort();
    await rest;
    await eventually("it breaks", () => broken);
    // A server that has nothing to write does not see that nobody is there any more.
    silent!.close();
  }
});
