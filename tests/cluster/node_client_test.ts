/**
 * Signed requests on real sockets: what a sender makes of a node that has restarted, or of responses that
 * the node did not sign.
 *
 * @module
 */

import assert from "node:assert/strict";
import { peerGuard } from "../../lib/api/peer_guard.ts";
import { serveApi } from "../../lib/api/server.ts";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { HeadTooLong, NodeClient, RestartedNode } from "../../lib/cluster/peers/node_client.ts";
import { UnsignedResponse } from "../../lib/cluster/trust/request_signer.ts";
import type { HttpRequest } from "../../lib/http/request.ts";
import { sampleNode } from "../contract/registry.ts";
import { authOf } from "../support/fakes/signing_server.ts";
import { RawClient } from "../support/network/raw_client.ts";
import { RawServer, say } from "../support/network/raw_server.ts";

const never = new AbortController().signal;
const me = sampleNode("me");
const me2 = sampleNode("me", { incarnation: "me-2" });
const peer = sampleNode("peer");

/** A node that says how many requests it carried out. It started some time ago. */
function serve(process = peer, secret = "s", agoMs = 60_000) {
  let count = 0;
  let ago = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ago };
  const { verifier } = authOf(secret, process, clock);
  ago = agoMs;
  const handle = peerGuard(async ({ body }) => {
    await body.whole(1 << 20);
    return { status: 200, headers: [], body: String(++count) };
  }, verifier);
  const server = serveApi(handle, { hostname: "127.0.0.1", port: 0 });
  return {
    record: { ...peer, url: server.url },
    get count() {
      return count;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function request(body: HttpRequest["body"] = new TextEncoder().encode("x")): HttpRequest {
  return { method: "POST", path: "/x", headers: [["host", "peer"]], body };
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("NodeClient: sends a request again to a node that has restarted", async () => {
  await using node = serve(sampleNode("peer", { incarnation: "peer-2" }));
  using client = new NodeClient(authOf("s", me).signer);
  for (const expected of ["1", "2"]) {
    const { status, body } = await client.ask(node.record, request(), never, 1000);
    assert.deepEqual([status, textOf(body)], [200, expected]);
  }
  let ended = 0;
  using other = new NodeClient(authOf("s", me2).signer);
  const { body } = await other.open(node.record, request(), never, () => ended++);
  assert.deepEqual([textOf(body as Uint8Array), ended], ["3", 1]);
});

Deno.test("NodeClient: does not send a stream again, and knows the new process afterwards", async () => {
  await using node = serve(sampleNode("peer", { incarnation: "peer-2" }));
  using client = new NodeClient(authOf("s", me).signer);
  let ended = 0;
  const send = () =>
    client.open(node.record, request(new Blob(["x"]).stream()), never, () => ended++);
  await assert.rejects(send(), RestartedNode);
  assert.deepEqual([node.count, ended], [0, 1]);
  assert.equal((await send()).status, 200);
  assert.deepEqual([node.count, ended], [1, 2]);
});

Deno.test("NodeClient: does not repeat a request that a former process carried out", async () => {
  await using former = serve();
  await using started = new AsyncDisposableStack();
  let restarted: ReturnType<typeof serve> | undefined;
  const pass = async ({ record }: ReturnType<typeof serve>, text: string) => {
    using upstream = await RawClient.open(Number(new URL(record.url).port), text);
    const { head, body } = await upstream.response();
    return head + body;
  };
  using proxy = new RawServer(async (conn, text) => {
    await pass(former, text);
    restarted = started.use(serve(sampleNode("peer", { incarnation: "peer-2" }), "s", 0));
    await say(conn, await pass(restarted, text));
  });
  using client = new NodeClient(authOf("s", me).signer);
  const record = { ...peer, url: proxy.url };
  const lost = (error: unknown) => error instanceof RestartedNode && error.mayHaveRun;
  await assert.rejects(client.ask(record, request(), never, 1000), lost);
  assert.deepEqual([former.count, restarted!.count, proxy.requests.length], [1, 0, 1]);
});

Deno.test("NodeClient: rejects the response of a node with another secret", async () => {
  await using node = serve(peer, "other");
  using client = new NodeClient(authOf("s", me).signer);
  await assert.rejects(client.ask(node.record, request(), never, 1000), UnsignedResponse);
  let ended = 0;
  await assert.rejects(
    client.open(node.record, request(), never, () => ended++),
    UnsignedResponse,
  );
  assert.deepEqual([node.count, ended], [0, 1]);
});

Deno.test("NodeClient: an unsigned response is shown with what it says", async () => {
  await using node = serve(sampleNode("other"));
  using client = new NodeClient(authOf("s", me).signer);
  const said = /^status 401: The request is signed for node peer, but this is node other/;
  await assert.rejects(
    client.ask(node.record, request(), never, 1000),
    (error: unknown) => error instanceof UnsignedResponse && said.test(error.said),
  );
});

Deno.test("NodeClient: does not send a head that the node's server would reject", async () => {
  await using node = serve();
  const long = (length: number) => [["x-long", "x".repeat(length)]] as const;
  const many = (count: number) => Array.from({ length: count }, (_, k) => [`x-${k}`, "1"] as const);
  for (const signer of [authOf("s", me).signer, undefined]) {
    using client = new NodeClient(signer);
    const outcome = async (headers: HttpRequest["headers"]) => {
      const sent = { ...request(), headers: [...request().headers, ...headers] };
      const { count } = node;
      try {
        return (await client.ask(node.record, sent, never, 1000)).status;
      } catch (error) {
        assert(error instanceof HeadTooLong, String(error));
        assert.equal(node.count, count);
        return error.name;
      }
    };
    const counts = [];
    for (let count = 120; count < 130; count++) counts.push(await outcome(many(count)));
    const lengths = [];
    for (let length = 65_000; length < 65_700; length += 10) {
      lengths.push(await outcome(long(length)));
    }
    for (const outcomes of [counts, lengths]) {
      assert.deepEqual([outcomes[0], outcomes.at(-1)], [200, "HeadTooLong"]);
    }
  }
});

Deno.test("NodeClient: without a secret it signs nothing", async () => {
  await using node = serve();
  using client = new NodeClient();
  assert.equal((await client.ask(node.record, request(), never, 1000)).status, 200);
});
