/**
 * The load generator on real sockets: what it sends, what it makes of answers and of their absence.
 *
 * @module
 */

import assert from "node:assert/strict";
import { prepare } from "../../lib/lab/load/prepare.ts";
import type { LoadResult } from "../../lib/lab/load/report/result.ts";
import { runLoad } from "../../lib/lab/load/run.ts";
import type { Scenario } from "../../lib/lab/load/scenario.ts";
import { eventually } from "../support/eventually.ts";
import { closeQuietly, RawServer, say, sayWhole } from "../support/network/raw_server.ts";

const report = (node: string) =>
  JSON.stringify({
    Success: true,
    Result: '"pong"',
    IsWarmStart: true,
    InitTime: 0,
    QueueingTime: 0,
    OffloadLatency: 0,
    Duration: 0.001,
    ExecutionArea: "EDGE",
    ExecutionNode: node,
  });

/** Runs a scenario whose requests all go to one server. */
function load(server: RawServer, scenario: Scenario, signal?: AbortSignal): Promise<LoadResult> {
  const mix = scenario.mix ?? [{ url: `${server.url}/x`, body: "ping" }];
  const bounds = { warmup: 0, duration: 20, requests: 100, ...scenario };
  return runLoad(prepare({ ...bounds, mix }, { node: server.url, isPlain: false }), { signal });
}

Deno.test("a closed loop has as many connections as clients, and counts each response once", async () => {
  using server = new RawServer((conn) => sayWhole(conn, "pong"));
  const { total } = await load(server, { clients: 4, requests: 500 });
  assert.deepEqual(total.outcomes, { ok: 500 });
  assert.equal(server.requests.length, 500);
  assert.equal(server.conns.size, 4);
  assert.equal(total.bytes, 2000);
  assert.equal(total.responseMs!.count, 500);
  assert.ok(server.requests.every((text) => text === server.requests[0]));
  assert.match(server.requests[0]!, /^POST \/x HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n.*ping$/s);
});

Deno.test("an open loop sends requests on time without responses", async () => {
  const all = Promise.withResolvers<void>();
  using server = new RawServer(async (conn, _, count) => {
    // No answer before the last request is there: a loop that waits for answers would hang.
    if (count === 50) all.resolve();
    await all.promise;
    await sayWhole(conn, "pong");
  });
  const { total, generator } = await load(server, { rate: 1000, requests: 50 });
  assert.deepEqual(total.outcomes, { ok: 50 });
  assert.equal(generator.connections, 50);
});

Deno.test("a stall counts for all requests that were due in it, though they were sent after it", async () => {
  // The first answer comes when all other requests are due.
  let heldMs = 0;
  using server = new RawServer(async (conn, _, count) => {
    if (count === 1) {
      const began = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 100));
      heldMs = performance.now() - began;
    }
    await sayWhole(conn, "pong");
  });
  const scenario = { rate: 1000, arrivals: "constant" as const, connections: 1, requests: 50 };
  const { total, generator } = await load(server, scenario);
  assert.deepEqual(total.outcomes, { ok: 50 });
  // The last one was due 49 ms after the first, and could not be sent before the stall's end.
  assert.ok(total.responseMs!.min > heldMs - 50, `${total.responseMs!.min} of ${heldMs}`);
  assert.ok(total.serviceMs!.min < total.responseMs!.min);
  assert.match(generator.limits.join(), /waited for a connection \(--connections 1\)/);
});

Deno.test("functions and classes are drawn by weight, and reports say where they ran", async () => {
  using server = new RawServer((conn, text) =>
    sayWhole(conn, report(text.includes('"QoSClass":"batch"') ? "cloud-1" : "edge-1"))
  );
  const { total, kinds } = await load(server, {
    clients: 2,
    requests: 2000,
    mix: [
      { function: "ping", class: "critical", weight: 1, expect: "pong" },
      { function: "ping", class: "batch", weight: 3, expect: "pong" },
      { function: "ping", class: "1", weight: 1, expect: "other" },
    ],
  });
  assert.equal(total.due, 2000);
  assert.ok(Math.abs(kinds[1]!.due - 1200) < 100, `${kinds[1]!.due}`);
  assert.equal(kinds[0]!.ok, kinds[0]!.due);
  assert.deepEqual(kinds[2]!.outcomes, { unexpected_answer: kinds[2]!.due });
  assert.deepEqual(kinds[1]!.server!.where, [
    { node: "cloud-1", area: "EDGE", count: kinds[1]!.due },
  ]);
});

Deno.test("responses in chunks and in pieces, and large bodies in both directions", async () => {
  const large = "x".repeat(1 << 20);
  using server = new RawServer(async (conn, text) => {
    const { length } = text.split("\r\n\r\n")[1]!;
    await say(conn, "HTTP/1.1 200 OK\r\nTransfer-");
    await say(conn, "Encoding: chunked\r\n\r\n4\r\npo");
    await say(conn, `ng\r\n${length.toString(16)}\r\n`);
    const bytes = new TextEncoder().encode(large.slice(0, length));
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    await say(conn, "\r\n0\r\n\r\n");
  });
  const mix = [{ url: `${server.url}/`, body: large, expect: "pongxx" }];
  const { total } = await load(server, { clients: 2, requests: 6, mix });
  assert.deepEqual(total.outcomes, { ok: 6 });
  assert.equal(total.bytes, 6 * (large.length + 4));
});

Deno.test("a server that closes after each response gets a new connection for each request", async () => {
  using server = new RawServer(async (conn) => {
    await say(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npong");
    closeQuietly(conn);
  });
  const { total } = await load(server, { clients: 2, requests: 20 });
  assert.deepEqual(total.outcomes, { ok: 20 });
  assert.equal(server.conns.size, 20);
});

Deno.test("an idle connection that the server closes is not used again", async () => {
  using server = new RawServer(async (conn, _, count) => {
    await sayWhole(conn, "pong");
    if (count === 1) closeQuietly(conn);
  });
  const { total } = await load(server, { clients: 1, think: 0.05, requests: 3 });
  assert.deepEqual(total.outcomes, { ok: 3 });
  assert.equal(server.conns.size, 2);
});

Deno.test("each kind of failure has its name, and the run goes on", async () => {
  using server = new RawServer(async (conn, _, count) => {
    if (count === 1) return closeQuietly(conn);
    if (count === 2) return await say(conn, "SSH-2.0-x\r\n");
    if (count === 3) return await sayWhole(conn, "no", 503);
    if (count === 4) return await sayWhole(conn, "pongponganswer", 429);
    await sayWhole(conn, "pong");
  });
  const { total } = await load(server, { clients: 1, requests: 8 });
  assert.deepEqual(total.outcomes, {
    ok: 4,
    connection_closed: 1,
    bad_answer: 1,
    http_503: 1,
    http_429: 1,
  });
});

Deno.test("a request without a response times out, and its connection is closed", async () => {
  using server = new RawServer((conn, _, count) =>
    count === 1 ? Promise.resolve() : sayWhole(conn, "pong")
  );
  const { total } = await load(server, { clients: 1, requests: 3, timeout: 0.3 });
  assert.deepEqual(total.outcomes, { ok: 2, timeout: 1 });
  await eventually("the connection is closed", () => server.ended >= 1);
});

Deno.test("all requests to a closed port fail, and clients do not spin", async () => {
  const server = new RawServer((conn) => sayWhole(conn, "pong"));
  server[Symbol.dispose]();
  const { total } = await load(server, { clients: 2, requests: 6 });
  assert.deepEqual(total.outcomes, { no_connection: 6 });
  assert.match(total.messages.no_connection!, /refused|reset/i);
  const open = await load(server, { rate: 1000, requests: 20 });
  assert.deepEqual(open.total.outcomes, { no_connection: 20 });
});

Deno.test("a server that accepts no connection: the attempt ends after its time limit", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  using queued = await fullBacklog(port);
  assert.ok(queued.length > 0);
  const mix = [{ url: `http://127.0.0.1:${port}/x` }];
  const scenario = { mix, clients: 1, requests: 1, warmup: 0, duration: 20 };
  const { total } = await runLoad(
    prepare(scenario, { node: `http://127.0.0.1:${port}`, isPlain: false }),
  );
  assert.deepEqual(total.outcomes, { no_connection: 1 });
  assert.match(total.messages.no_connection!, /no response within 5 s/);
});

Deno.test("a run that is ended early reports its results, and leaves nothing open", async () => {
  const stop = new AbortController();
  using server = new RawServer(async (conn, _, count) => {
    if (count <= 10) return await sayWhole(conn, "pong");
    if (count === 12) stop.abort();
    await Promise.resolve();
  });
  for (const scenario of [{ clients: 4 }, { rate: 500 }]) {
    server.requests.length = 0;
    const result = await load(server, scenario, stop.signal);
    if (scenario.rate) assert.equal(result.total.due, 0);
    else assert.ok(result.total.ok <= 10 && result.cutOff === result.total.due - result.total.ok);
    assert.ok(result.isInterrupted);
  }
  await eventually("its connections are closed", () => server.ended === server.conns.size);
});

Deno.test("a trace is replayed to its end, each request to its function", async () => {
  using server = new RawServer((conn) => sayWhole(conn, report("edge-1")));
  const trace = [0, 0.01, 0.01, 0.05].map((at, n) => ({
    at,
    function: n % 2 ? "odd" : "even",
    class: undefined,
  }));
  const prepared = prepare({}, { node: server.url, isPlain: false, trace });
  const result = await runLoad(prepared);
  assert.deepEqual(result.kinds.map((kind) => [kind.function, kind.ok]), [["even", 2], ["odd", 2]]);
  assert.deepEqual(
    server.requests.map((text) => /\/invoke\/(\w+)/.exec(text)![1]),
    ["even", "odd", "even", "odd"],
  );
});

/** Connects until the kernel no longer answers, since nobody accepts the connections. */
async function fullBacklog(port: number): Promise<Disposable & { length: number }> {
  const conns: Deno.Conn[] = [];
  for (;;) {
    const signal = AbortSignal.timeout(200);
    const conn = await Deno.connect({ hostname: "127.0.0.1", port, signal }).catch(() => undefined);
    if (!conn) break;
    conns.push(conn);
  }
  return {
    length: conns.length,
    [Symbol.dispose]: () => conns.forEach(closeQuietly),
  };
}
