/**
 * A real balancer over fake nodes that refuse, break off, fall silent or stop.
 *
 * @module
 */

import assert from "node:assert/strict";
import { peerGuard } from "../../lib/api/peer_guard.ts";
import { serveApi } from "../../lib/api/server.ts";
import { HashRing } from "../../lib/balancer/architectures/hash_ring.ts";
import { eventually } from "../support/eventually.ts";
import { authOf } from "../support/fakes/signing_server.ts";
import { breaker, FakeNode, refuse, report } from "../support/fakes/fake_node.ts";
import { RawClient } from "../support/network/raw_client.ts";
import {
  closing,
  exampleRecord,
  invoke,
  region,
  servedBy,
  targets,
  three,
} from "../support/region.ts";

Deno.test("connections to nodes are kept", async () => {
  const ports = new Set<number>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, { remoteAddr }) => {
      if (!request.url.endsWith("/healthz") && !request.url.endsWith("/status")) {
        ports.add(remoteAddr.port);
      }
      return Response.json({});
    },
  );
  await using _ = server;
  const record = { ...exampleRecord, url: `http://127.0.0.1:${server.addr.port}` };
  await using lb = await region({ nodes: [{ record }], config: { "lb.health.interval": 60 } });
  for (let k = 0; k < 20; k++) assert.equal((await invoke(lb)).status, 200);
  assert.ok(ports.size <= 2, `${ports.size} connections`);
});

Deno.test("a node that refuses connections is skipped, and used again when it is back", async () => {
  const gone = new FakeNode("gone");
  const { record, port } = gone;
  await gone[Symbol.asyncDispose]();
  await using other = new FakeNode("other");
  await using lb = await region({
    nodes: [{ record }, other],
    config: { "lb.health.interval": 0.05 },
  });
  for (let k = 0; k < 10; k++) assert.equal(servedBy(await invoke(lb, `f${k}`)), "other");
  await eventually("it is known to be away", async () => {
    const [target] = await targets(lb);
    return target.Healthy === false && typeof target.Problem === "string";
  });
  await using _back = new FakeNode("gone", report, "amd64", port);
  await eventually("it is used again", async () => {
    const names = Array.from({ length: 20 }, (_, k) => `f${k}`);
    const answers = await Promise.all(names.map((name) => invoke(lb, name)));
    return answers.some((answer) => servedBy(answer) === "gone");
  });
});

Deno.test("a node that disconnects after it received the request: one response, no second execution", async () => {
  await using broken = breaker();
  await using other = new FakeNode("other");
  await using lb = await region({
    nodes: [broken, other],
    // So that nothing but the requests tells about the node.
    config: { "lb.health.interval": 60 },
  });
  const names = Array.from({ length: 40 }, (_, k) => `f${k}`);
  const answers = [];
  for (const name of names) answers.push(await invoke(lb, name, { body: '{"Params":{}}' }));
  const crashed = answers.filter(({ status }) => status !== 200);
  assert.ok(crashed.length > 0);
  for (const { status, body } of crashed) {
    assert.deepEqual([status, body.code, body.details], [502, "FUNCTION_CRASHED", undefined]);
  }
  assert.equal(broken.count(), crashed.length);
  assert.equal(other.seen.length, names.length - crashed.length);
});

Deno.test("reads are sent to another node when one disconnects", async () => {
  await using broken = breaker();
  await using other = new FakeNode("other", () => Response.json(["f"]));
  await using lb = await region({ nodes: [broken, other] });
  for (let k = 0; k < 4; k++) {
    const answer = await fetch(`${lb.url}/function`);
    assert.deepEqual(await answer.json(), ["f"]);
  }
  assert.ok(broken.count() > 0);
});

Deno.test("a result that one node cannot return without its registry is requested from the others", async () => {
  const nodes = three(refuse("REGISTRY_UNAVAILABLE"));
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  nodes[1]!.behaviour = () => Response.json({ Success: true });
  for (let k = 0; k < 6; k++) {
    assert.deepEqual(await (await fetch(`${lb.url}/poll/f-1`)).json(), { Success: true });
  }
  const before = nodes.flatMap(({ seen }) => seen).length;
  // What writes is asked once.
  for (const node of nodes) node.behaviour = refuse("REGISTRY_UNAVAILABLE");
  const { status, body } = await fetch(`${lb.url}/create`, { method: "POST", body: "{}" })
    .then(async (answer) => ({ status: answer.status, body: await answer.json() }));
  assert.deepEqual([status, body.code], [503, "REGISTRY_UNAVAILABLE"]);
  assert.equal(nodes.flatMap(({ seen }) => seen).length, before + 1);
});

Deno.test("a node that dies during requests fails these requests only", async () => {
  const arrived = Promise.withResolvers<void>();
  const dying = new FakeNode("dying", () => {
    arrived.resolve();
    return new Promise(() => {});
  });
  await using other = new FakeNode("other");
  await using lb = await region({ nodes: [dying, other] });
  const name = [...Array(50).keys()].map((k) => `f${k}`).find((name) =>
    nodeOf(name, ["dying", "other"]) === "dying"
  )!;
  const waiting = invoke(lb, name);
  await arrived.promise;
  await dying[Symbol.asyncDispose]();
  assert.deepEqual((await waiting).body.code, "FUNCTION_CRASHED");
  assert.equal(servedBy(await invoke(lb, name)), "other");
});

Deno.test("a node that stops responding is skipped after some checks", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using _listener = listener;
  const record = { ...exampleRecord, url: `http://127.0.0.1:${listener.addr.port}` };
  // It accepts connections, in the kernel's backlog, and says nothing.
  await using lb = await region({ nodes: [{ record }], config: { "lb.health.interval": 0.05 } });
  const { status, body } = await invoke(lb);
  assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"]);
  assert.equal((await targets(lb))[0].Healthy, false);
});

Deno.test("a saturated node is skipped; if all are saturated, the client receives Retry-After", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  const first = servedBy(await invoke(lb));
  nodes.find(({ id }) => id === first)!.behaviour = refuse("NODE_SATURATED");
  const body = '{"Params": {"n": 1}}';
  const second = await invoke(lb, "f", { body });
  assert.notEqual(servedBy(second), first);
  const seen = nodes.find(({ id }) => id === servedBy(second))!.seen.at(-1)!;
  assert.equal(new TextDecoder().decode(seen.body), body);
  for (const node of nodes) node.behaviour = refuse("NODE_SATURATED");
  const refused = await invoke(lb);
  assert.deepEqual([refused.status, refused.body.code], [429, "NODE_SATURATED"]);
  assert.equal(refused.headers.get("retry-after"), "1");
});

Deno.test("failures of functions and unknown names are returned unchanged, once", async () => {
  const nodes = three(refuse("FUNCTION_ERROR"));
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  assert.deepEqual((await invoke(lb)).body.code, "FUNCTION_ERROR");
  for (const node of nodes) node.behaviour = refuse("FUNCTION_UNKNOWN");
  assert.deepEqual((await invoke(lb)).status, 404);
  assert.equal(nodes.flatMap(({ seen }) => seen).length, 2);
});

Deno.test("a function over HTTP whose response looks like a rejection is not run again", async () => {
  const nodes = three(refuse("NODE_SATURATED"));
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  const answer = await fetch(`${lb.url}/fn/f`);
  assert.equal(answer.status, 429);
  await answer.body?.cancel();
  assert.equal(nodes.flatMap(({ seen }) => seen).length, 1);
});

Deno.test("a node that shuts down gets no more requests", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes, config: { "lb.health.interval": 60 } });
  const first = nodes.find(({ id }) => id === "a")!;
  first.behaviour = refuse("SHUTTING_DOWN");
  for (let k = 0; k < 30; k++) assert.equal((await invoke(lb, `f${k}`)).status, 200);
  assert.equal(first.seen.length, 1);
});

Deno.test("a node at whose address another responds gets no requests, and the reason is reported", async () => {
  await using right = new FakeNode("right");
  await using wrong = new FakeNode("wrong");
  wrong.answersAs = "other";
  await using lb = await region({ nodes: [right, wrong] });
  await eventually("it is noticed", async () => (await targets(lb))[1].Healthy === false);
  const [, { Problem: problem }] = await targets(lb);
  assert.match(problem, /^other responds at its address .* set its api.ip or api.url/);
  for (let k = 0; k < 10; k++) assert.equal(servedBy(await invoke(lb, `f${k}`)), "right");
});

Deno.test("a node without TLS at an https: URL gets no requests, and the reason is reported", async () => {
  await using plain = new FakeNode("plain");
  const record = { ...plain.record, url: plain.record.url.replace("http:", "https:") };
  await using lb = await region({ nodes: [{ record }] });
  await eventually("the problem is TLS", async () => {
    const [target] = await targets(lb);
    return /^TLS with it fails .*cluster\.tls\.ca.*No TLS connection/.test(target.Problem);
  });
  const { status, body } = await invoke(lb);
  assert.deepEqual([status, body.code], [429, "NO_SUITABLE_NODE"]);
  assert.match(body.message, /node plain: TLS with it fails/);
});

Deno.test("headers of a client that are too many for a node: 431, and the node stays in use", async () => {
  const auth = authOf("s", exampleRecord);
  const handle = peerGuard(
    () => ({ status: 200, headers: [], body: '{"Node":"a"}' }),
    auth.verifier,
  );
  await using server = serveApi(handle, { hostname: "127.0.0.1", port: 0 });
  const record = auth.registrations.sign({ ...exampleRecord, url: server.url });
  const balancer = authOf("s", { id: "lb-1", incarnation: "lb-1-1" });
  await using lb = await region({
    nodes: [{ record }],
    auth: balancer,
    config: { "lb.health.interval": 60 },
  });
  const statuses = new Set<number>();
  for (let count = 100; count < 128; count++) {
    const lines = Array.from({ length: count - 3 }, (_, k) => `x-${k}: 1\r\n`).join("");
    const head = `GET /function HTTP/1.1\r\nhost: localhost\r\n${lines}\r\n`;
    using client = await RawClient.open(Number(new URL(lb.url).port), head);
    statuses.add((await client.response()).status);
    assert.deepEqual((await targets(lb)).map(({ Healthy }) => Healthy), [true]);
  }
  assert.deepEqual([...statuses], [200, 431]);
});

Deno.test("a node whose responses another one gives: the reason is reported, with a secret too", async () => {
  const { verifier } = authOf("s", { id: "other", incarnation: "other-1" });
  const handle = peerGuard(() => ({ status: 200, headers: [], body: "" }), verifier);
  await using server = serveApi(handle, { hostname: "127.0.0.1", port: 0 });
  const auth = authOf("s", { id: "lb-1", incarnation: "lb-1-1" });
  const record = auth.registrations.sign({ ...exampleRecord, url: server.url });
  await using lb = await region({ nodes: [{ record }], auth });
  await eventually("the problem names both", async () => {
    const [{ Problem }] = await targets(lb);
    return /not signed .*signed for node a, but this is node other/.test(Problem);
  });
});

Deno.test("a balancer does not forward to itself: another node serves the request, or an error says why", async () => {
  await using lb = await region({ config: { "lb.health.interval": 60 } });
  const own = { ...exampleRecord, id: "own", url: lb.url };
  lb.members.reset([own]);
  const { status, body } = await invoke(lb);
  assert.deepEqual([status, body.code], [502, "PEER_DECLINED"]);
  assert.match(
    body.message,
    /registered with the address of load balancer lb-1; set api.ip or api.url/,
  );
  await using other = new FakeNode("other");
  lb.members.reset([own, other.record]);
  for (let k = 0; k < 10; k++) assert.equal(servedBy(await invoke(lb, `f${k}`)), "other");
});

Deno.test("a request does not return to nodes that it has visited", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  const from = (visited: string) =>
    invoke(lb, "f", { headers: { "serverledge-visited": visited } });
  assert.equal(servedBy(await from("edge-1,a, b")), "c");
  assert.equal((await from("a,b,c")).body.code, "NO_SUITABLE_NODE");
});

Deno.test("without nodes: 429 with Retry-After, in the usual form, and not healthy", async () => {
  await using lb = await region({});
  const { status, headers, body } = await invoke(lb);
  assert.deepEqual([status, body.code], [429, "NO_SUITABLE_NODE"]);
  assert.equal(headers.get("retry-after"), "1");
  const health = await fetch(`${lb.url}/healthz`);
  assert.deepEqual([health.status, (await health.json()).Status], [503, "unavailable"]);
});

Deno.test("a client that disconnects ends its request to the node", async () => {
  const left = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  await using node = new FakeNode("a", (request) => {
    request.signal.addEventListener("abort", () => left.resolve());
    arrived.resolve();
    return new Promise(() => {});
  });
  await using lb = await region({ nodes: [node] });
  const client = new AbortController();
  const asking = invoke(lb, "f", { signal: client.signal });
  await arrived.promise;
  client.abort();
  await assert.rejects(asking);
  await left.promise;
  await eventually("it is over", async () => (await targets(lb))[0].InFlight === 0);
});

/** The node that a function belongs to, where nothing else is under way. */
function nodeOf(name: string, ids: readonly string[]): string {
  return new HashRing(ids, 128).walk(name).next().value!;
}
