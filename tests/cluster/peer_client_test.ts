import assert from "node:assert/strict";
import { BodyBudget } from "../../lib/api/body_budget.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { readHop } from "../../lib/cluster/peers/hop_headers.ts";
import { PeerClient } from "../../lib/cluster/peers/client.ts";
import type { Forwarded } from "../../lib/cluster/peers/peers.ts";
import { release } from "../../lib/json/quoted.ts";
import { defaultRequest } from "../../lib/model/invocation.ts";
import { paramsOf } from "../../lib/model/params.ts";
import { sampleNode, sampleRecord } from "../contract/registry.ts";
import { eventually } from "../support/eventually.ts";
import { authOf, signing } from "../support/fakes/signing_server.ts";
import { sampleReport, sampleResult } from "../support/fakes/fake_services.ts";
import { RawServer, say, sayWhole } from "../support/network/raw_server.ts";

const forwarded: Forwarded = {
  id: "f-1",
  record: sampleRecord("f"),
  request: { ...defaultRequest, params: paramsOf({ text: "grüß" }), isAsync: true },
  budgetMs: 5000,
  hopsLeft: 1,
  visited: ["me"],
  originArea: "EDGE",
};

const never = new AbortController().signal;

/** The code that a promise ends with. */
const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "OK", (error: ServerledgeError) => error.code);

/** A peer whose connections are scripted byte by byte. */
class RawPeer extends RawServer {
  readonly record = sampleNode("peer", { url: this.url });
}

function answer(conn: Deno.Conn, body: unknown, status = 200): Promise<number> {
  return sayWhole(conn, JSON.stringify(body), status);
}

Deno.test("a request reaches a peer's server with its hop and returns as a report", async () => {
  const seen: { hop: unknown; body: unknown; path: string }[] = [];
  const peer = sampleNode("peer");
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    signing(authOf("s", peer), async (request) => {
      const { pathname } = new URL(request.url);
      seen.push({ hop: readHop(request.headers), body: await request.json(), path: pathname });
      return Response.json(sampleReport);
    }),
  );
  using client = new PeerClient(authOf("s", sampleNode("me")).signer);
  const record = { ...peer, url: `http://127.0.0.1:${server.addr.port}` };
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await client.send(record, forwarded, never), sampleResult);
  }
  const { record: _, request: __, ...hop } = forwarded;
  assert.deepEqual(seen[0], {
    hop: { ...hop, callers: [] },
    body: {
      Params: { text: "grüß" },
      QoSClass: 0,
      QoSMaxRespT: 0,
      Locality: "any",
      CanDoOffloading: true,
      Async: false,
      ReturnOutput: false,
    },
    path: "/invoke/f",
  });
  assert.equal(seen.length, 3);
});

Deno.test("a long report of a peer has its result unchanged", async () => {
  const Result = JSON.stringify('"\u{1f600}'.repeat(200_000));
  using peer = new RawPeer((conn) => answer(conn, { ...sampleReport, Result }));
  using client = new PeerClient();
  const { report } = await client.send(peer.record, forwarded, never);
  assert.ok(String(report.result) === Result);
  assert.deepEqual({ ...report, result: "" }, { ...sampleResult.report, result: "" });
});

Deno.test("a long result of a peer is reserved until it is released, or rejected without memory", async () => {
  const Result = JSON.stringify("x".repeat(1 << 20));
  using peer = new RawPeer((conn) => answer(conn, { ...sampleReport, Result }));
  const room = 3 << 20;
  const bodies = new BodyBudget(room);
  using client = new PeerClient(undefined, systemClock, () => bodies.takeResult(0));
  const { report } = await client.send(peer.record, forwarded, never);
  const { reserved } = bodies;
  assert.ok(reserved > 1 << 20, `${reserved} bytes are reserved`);
  using _other = bodies.takeResult(room - reserved - 1000);
  assert.equal(await codeOf(client.send(peer.record, forwarded, never)), "FUNCTION_ERROR");
  release(report.result);
  assert.equal(bodies.reserved, room - reserved - 1000);
});

Deno.test("errors of the peer keep their code if it says what happened to the request", async () => {
  const cases = [
    [429, "NODE_SATURATED", "NODE_SATURATED"],
    [500, "FUNCTION_ERROR", "FUNCTION_ERROR"],
    [502, "FUNCTION_CRASHED", "FUNCTION_CRASHED"],
    [504, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"],
    [404, "FUNCTION_UNKNOWN", "PEER_DECLINED"],
    [401, "UNAUTHORIZED", "PEER_DECLINED"],
    [502, "PEER_UNREACHABLE", "PEER_DECLINED"],
    [502, "WHATEVER", "FUNCTION_CRASHED"],
    [200, "NO_REPORT", "FUNCTION_CRASHED"],
  ] as const;
  for (const [status, code, expected] of cases) {
    using peer = new RawPeer(async (conn) => {
      await answer(conn, { code, message: "because", traceback: "tb" }, status);
    });
    using client = new PeerClient();
    const sent = client.send(peer.record, forwarded, never);
    await assert.rejects(sent, (error: ServerledgeError) => {
      assert.equal(error.code, expected);
      if (expected === "PEER_DECLINED") assert.deepEqual(error.details, { peerCode: code });
      if (code === "FUNCTION_ERROR") assert.deepEqual(error.details, { traceback: "tb" });
      return true;
    });
  }
});

Deno.test("each response updates the peer's free resources if they are plausible", async () => {
  const reported: unknown[] = [];
  let free = "12.5";
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      const headers = { "serverledge-free-mem": free, "serverledge-free-cpu": "0.250000" };
      return free === "0"
        ? Response.json({ code: "NODE_SATURATED", message: "full" }, { status: 429, headers })
        : Response.json(sampleReport, { headers });
    },
  );
  using client = new PeerClient();
  const record = sampleNode("peer", { url: `http://127.0.0.1:${server.addr.port}` });
  const send = () => client.send(record, forwarded, never, (resources) => reported.push(resources));
  await send();
  free = "0";
  assert.equal(await codeOf(send()), "NODE_SATURATED");
  free = "-1";
  await send();
  free = "much";
  await send();
  assert.deepEqual(reported, [
    { freeMemoryMib: 12.5, freeCpu: 0.25 },
    { freeMemoryMib: 0, freeCpu: 0.25 },
  ]);
});

Deno.test("a peer that is not reachable never received the request", async () => {
  const peer = new RawPeer(() => Promise.resolve());
  peer[Symbol.dispose]();
  using client = new PeerClient();
  assert.equal(await codeOf(client.send(peer.record, forwarded, never)), "PEER_UNREACHABLE");
});

Deno.test("a peer that closes after reading may have run the request: it is sent only once", async () => {
  // Also on a kept connection, which Deno's fetch would repeat by itself.
  using peer = new RawPeer(async (conn, _request, count) => {
    if (count === 1) await answer(conn, sampleReport);
    else conn.close();
  });
  using client = new PeerClient();
  await client.send(peer.record, forwarded, never);
  assert.equal(await codeOf(client.send(peer.record, forwarded, never)), "FUNCTION_CRASHED");
  assert.equal(peer.requests.length, 2);
});

Deno.test("a response that breaks off is not a response", async () => {
  using peer = new RawPeer(async (conn) => {
    await say(conn, "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{");
    conn.close();
  });
  using client = new PeerClient();
  assert.equal(await codeOf(client.send(peer.record, forwarded, never)), "FUNCTION_CRASHED");
});

Deno.test("a kept connection that the peer has closed is replaced without an error", async () => {
  const open = new Set<Deno.Conn>();
  using peer = new RawPeer(async (conn) => {
    open.add(conn);
    await answer(conn, sampleReport);
  });
  using client = new PeerClient();
  for (let round = 1; round <= 5; round++) {
    assert.deepEqual(await client.send(peer.record, forwarded, never), sampleResult);
    assert.equal(peer.requests.length, round);
    for (const conn of open) conn.close();
    open.clear();
    // The end of the connection arrives by the loop's next turns.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  }
});

Deno.test("a health check on a kept connection that breaks is repeated once", async () => {
  using peer = new RawPeer(async (conn, _request, count) => {
    if (count === 1 || count === 3) await answer(conn, { Node: "peer" });
    else conn.close();
  });
  using client = new PeerClient();
  assert.equal(await client.health(peer.record), 200);
  assert.equal(await client.health(peer.record), 200);
  assert.deepEqual([peer.requests.length, peer.conns.size], [3, 2]);
  assert.equal(await client.health(peer.record), undefined);
  assert.equal(peer.requests.length, 5);
});

Deno.test("cancelling a request closes its connection, so the peer stops", async () => {
  const left = Promise.withResolvers<void>();
  using peer = new RawPeer(async (conn) => {
    if (await conn.read(new Uint8Array(1)).catch(() => null) === null) left.resolve();
  });
  using client = new PeerClient();
  const control = new AbortController();
  const sent = codeOf(client.send(peer.record, forwarded, control.signal));
  await eventually("it has arrived", () => peer.requests.length === 1);
  control.abort();
  assert.equal(await sent, "CANCELLED");
  await left.promise;
});

Deno.test("concurrent requests share the kept connections", async () => {
  using peer = new RawPeer((conn) => answer(conn, sampleReport));
  using client = new PeerClient();
  for (let round = 0; round < 3; round++) {
    const sent = Array.from({ length: 40 }, () => client.send(peer.record, forwarded, never));
    assert((await Promise.all(sent)).every(({ report }) => report.success));
  }
  assert.equal(peer.requests.length, 120);
  assert.equal(peer.conns.size, 40);
});
