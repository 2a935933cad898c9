/**
 * A real balancer over fake nodes on loopback.
 *
 * @module
 */

import assert from "node:assert/strict";
import { serveApi } from "../../lib/api/server.ts";
import { Balancer } from "../../lib/balancer/balancer.ts";
import { HashRing } from "../../lib/balancer/hash_ring.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { resolveConfig } from "../../lib/model/config.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import type { NodeObserver } from "../../lib/registry/registry.ts";
import { sampleRecord } from "../contract/registry.ts";
import { eventually } from "../support/eventually.ts";
import { type Behaviour, breaker, FakeNode, refuse, report } from "../support/fake_node.ts";

/** A balancer that is listening, and its registry, which a test plays. */
interface Region extends AsyncDisposable {
  readonly url: string;
  readonly balancer: Balancer;
  readonly members: NodeObserver;
}

interface RegionOptions {
  readonly nodes?: readonly { readonly record: NodeRecord }[];
  readonly functions?: readonly FunctionRecord[];
  readonly config?: Readonly<Record<string, unknown>>;
}

async function region({ nodes = [], functions = [], config = {} }: RegionOptions): Promise<Region> {
  await using stack = new AsyncDisposableStack();
  let members: NodeObserver | undefined;
  const balancer = stack.use(
    await Balancer.open({
      config: resolveConfig([{
        origin: "test",
        values: { "lb.health.interval": 0.1, ...config },
      }]).config,
      node: { id: "lb-1", area: "CLOUD", version: "0" },
      clock: systemClock,
      random: () => 0,
      registry: {
        description: "of the test",
        health: () => ({ ok: true }),
        watchNodes(observer) {
          members = observer;
          observer.reset(nodes.map(({ record }) => record));
          return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
        },
      },
      catalog: {
        size: functions.length,
        get: (name) => functions.find(({ Name }) => Name === name),
        onChange: () => ({ [Symbol.dispose]() {} }),
      },
    }),
  );
  const server = stack.use(serveApi(balancer.app, { hostname: "127.0.0.1", port: 0 }));
  const owned = stack.move();
  return {
    url: server.url,
    balancer,
    members: members!,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const three = (behaviour?: Behaviour) => ["a", "b", "c"].map((id) => new FakeNode(id, behaviour));

async function closing(nodes: readonly FakeNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
}

// deno-lint-ignore no-explicit-any -- what a test looks at, it knows
type Body = any;

async function invoke(
  { url }: Pick<Region, "url">,
  name = "f",
  init: RequestInit = {},
): Promise<{ status: number; headers: Headers; body: Body }> {
  const answer = await fetch(`${url}/invoke/${name}`, { method: "POST", ...init });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** The node that served an answer. */
const servedBy = ({ body }: { body: Body }): string => body.ExecutionNode;

async function targets({ url }: Region): Promise<Body[]> {
  return (await (await fetch(`${url}/status`)).json()).Targets;
}

Deno.test("a function stays on one node; functions are spread", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  const first = servedBy(await invoke(lb));
  for (let k = 0; k < 10; k++) assert.equal(servedBy(await invoke(lb)), first);
  const others = new Set<string>();
  for (let k = 0; k < 30; k++) others.add(servedBy(await invoke(lb, `g${k}`)));
  assert.equal(others.size, 3);
});

Deno.test("two balancers agree on the node of a function", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using one = await region({ nodes });
  await using two = await region({ nodes: nodes.toReversed() });
  for (let k = 0; k < 20; k++) {
    assert.equal(servedBy(await invoke(one, `f${k}`)), servedBy(await invoke(two, `f${k}`)));
  }
});

Deno.test("a burst on one function is spread within the bound", async () => {
  const release = Promise.withResolvers<void>();
  let arrived = 0;
  const nodes = three(async (request, node) => {
    arrived++;
    await release.promise;
    return report(request, node);
  });
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  const burst = Array.from({ length: 24 }, () => invoke(lb));
  await eventually("all have arrived", () => Promise.resolve(arrived === 24));
  const inFlight = (await targets(lb)).map(({ InFlight }) => InFlight);
  release.resolve();
  const answers = await Promise.all(burst);
  assert.ok(answers.every(({ status }) => status === 200));
  assert.ok(Math.max(...inFlight) <= Math.ceil(1.25 * 24 / 3), String(inFlight));
  assert.deepEqual((await targets(lb)).map(({ InFlight }) => InFlight), [0, 0, 0]);
});

Deno.test("bodies and headers pass unchanged both ways; what is a balancer's own does not", async () => {
  await using node = new FakeNode("a", async (request) => {
    const answer = new Response(await request.bytes(), { status: 201 });
    answer.headers.set("x-answer", "yes");
    answer.headers.set("serverledge-node-name", "a");
    answer.headers.set("serverledge-free-mem", "7");
    answer.headers.set("serverledge-free-cpu", "1");
    answer.headers.set("serverledge-mab-request-id", "1");
    answer.headers.set("serverledge-node-arch", "amd64");
    answer.headers.append("set-cookie", "a=1");
    answer.headers.append("set-cookie", "b=2");
    return answer;
  });
  await using lb = await region({ nodes: [node] });
  // Larger than what is kept for another attempt, so it is streamed.
  const body = new Uint8Array(3 << 20).map((_, at) => at * 7);
  const answer = await fetch(`${lb.url}/fn/f/some/path?q=%20x&y`, {
    method: "PUT",
    body,
    headers: {
      "x-mine": "1",
      "origin": "http://elsewhere.example",
      "x-forwarded-for": "10.9.9.9",
      "serverledge-request-id": "f-1",
      "serverledge-hops-left": "1",
      "serverledge-visited": "edge-1",
      "serverledge-budget-ms": "500",
      "serverledge-signature": "abc",
      "serverledge-mab-request-id": "9",
    },
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.bytes(), body);
  assert.equal(answer.headers.get("x-answer"), "yes");
  assert.equal(answer.headers.get("serverledge-node-arch"), "amd64");
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  for (const name of ["node-name", "free-mem", "free-cpu", "mab-request-id"]) {
    assert.equal(answer.headers.get(`serverledge-${name}`), null, name);
  }
  const [seen] = node.seen;
  assert.deepEqual([seen!.method, seen!.path], ["PUT", "/fn/f/some/path?q=%20x&y"]);
  assert.deepEqual(seen!.body, body);
  const header = (name: string) => seen!.headers.get(name);
  assert.equal(header("x-mine"), "1");
  assert.equal(header("origin"), "http://elsewhere.example");
  assert.equal(header("x-forwarded-for"), "10.9.9.9, 127.0.0.1");
  assert.equal(header("x-forwarded-host"), new URL(lb.url).host);
  assert.equal(header("host"), `127.0.0.1:${node.port}`);
  assert.equal(header("serverledge-mab-request-id"), null);
  const hop = ["request-id", "hops-left", "visited", "budget-ms", "signature"];
  assert.deepEqual(
    hop.map((name) => header(`serverledge-${name}`)),
    ["f-1", "1", "edge-1", "500", "abc"],
  );
});

Deno.test("answers are streamed: their beginning is there before their end", async () => {
  const go = Promise.withResolvers<void>();
  await using node = new FakeNode("a", () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("begin "));
          await go.promise;
          controller.enqueue(new TextEncoder().encode("end"));
          controller.close();
        },
      }),
    ));
  await using lb = await region({ nodes: [node] });
  const answer = await fetch(`${lb.url}/fn/f`);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "begin ");
  assert.equal((await targets(lb))[0].InFlight, 1);
  go.resolve();
  assert.equal((await reader.read()).value, "end");
  assert.ok((await reader.read()).done);
  await eventually("it is over", async () => (await targets(lb))[0].InFlight === 0);
});

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
  const record = { ...exampleRecord, Url: `http://127.0.0.1:${server.addr.port}` };
  await using lb = await region({ nodes: [{ record }], config: { "lb.health.interval": 60 } });
  for (let k = 0; k < 20; k++) assert.equal((await invoke(lb)).status, 200);
  assert.ok(ports.size <= 2, `${ports.size} connections`);
});

const exampleRecord: NodeRecord = {
  Id: "a",
  Area: "CLOUD",
  Role: "node",
  Url: "http://127.0.0.1:1",
  Udp: "",
  Architecture: "amd64",
  Incarnation: "1",
};

Deno.test("a node that refuses connections is passed over, and used again when it is back", async () => {
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

Deno.test("a node that breaks off after it got the request: one answer, no second execution", async () => {
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

Deno.test("what only reads is asked of another node when one breaks off", async () => {
  await using broken = breaker();
  await using other = new FakeNode("other", () => Response.json(["f"]));
  await using lb = await region({ nodes: [broken, other] });
  for (let k = 0; k < 4; k++) {
    const answer = await fetch(`${lb.url}/function`);
    assert.deepEqual(await answer.json(), ["f"]);
  }
  assert.ok(broken.count() > 0);
});

Deno.test("a node that dies under requests fails them, and only them", async () => {
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

Deno.test("a node that does not answer any more is given up after some checks", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using _listener = listener;
  const record = { ...exampleRecord, Url: `http://127.0.0.1:${listener.addr.port}` };
  // It accepts connections, in the kernel's backlog, and says nothing.
  await using lb = await region({ nodes: [{ record }], config: { "lb.health.interval": 0.05 } });
  const { status, body } = await invoke(lb);
  assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"]);
  assert.equal((await targets(lb))[0].Healthy, false);
});

Deno.test("a saturated node is passed over; if all are, the client learns when to come back", async () => {
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

Deno.test("failures of functions and unknown names are answered as they are, once", async () => {
  const nodes = three(refuse("FUNCTION_ERROR"));
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  assert.deepEqual((await invoke(lb)).body.code, "FUNCTION_ERROR");
  for (const node of nodes) node.behaviour = refuse("FUNCTION_UNKNOWN");
  assert.deepEqual((await invoke(lb)).status, 404);
  assert.equal(nodes.flatMap(({ seen }) => seen).length, 2);
});

Deno.test("a function over HTTP that answers like a refusing node is not run again", async () => {
  const nodes = three(refuse("NODE_SATURATED"));
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  const answer = await fetch(`${lb.url}/fn/f`);
  assert.equal(answer.status, 429);
  await answer.body?.cancel();
  assert.equal(nodes.flatMap(({ seen }) => seen).length, 1);
});

Deno.test("a stopping node gets no more requests", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes, config: { "lb.health.interval": 60 } });
  const first = nodes.find(({ id }) => id === "a")!;
  first.behaviour = refuse("SHUTTING_DOWN");
  for (let k = 0; k < 30; k++) assert.equal((await invoke(lb, `f${k}`)).status, 200);
  assert.equal(first.seen.length, 1);
});

Deno.test("without nodes: 429 with Retry-After, in the usual form, and not healthy", async () => {
  await using lb = await region({});
  const { status, headers, body } = await invoke(lb);
  assert.deepEqual([status, body.code], [429, "NO_SUITABLE_NODE"]);
  assert.equal(headers.get("retry-after"), "1");
  const health = await fetch(`${lb.url}/healthz`);
  assert.deepEqual([health.status, (await health.json()).Status], [503, "unavailable"]);
});

Deno.test("nodes join and leave", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes: nodes.slice(0, 1) });
  const served = async () => {
    const names = Array.from({ length: 30 }, (_, k) => `f${k}`);
    return new Set((await Promise.all(names.map((name) => invoke(lb, name)))).map(servedBy));
  };
  assert.deepEqual(await served(), new Set(["a"]));
  for (const node of nodes) lb.members.put(node.record);
  assert.deepEqual(await served(), new Set(["a", "b", "c"]));
  lb.members.remove("a");
  assert.deepEqual(await served(), new Set(["b", "c"]));
  lb.members.put({ ...nodes[2]!.record, Area: "EDGE" });
  assert.deepEqual(await served(), new Set(["b"]));
});

Deno.test("other routes go round the nodes; status, health and metrics are the balancer's own", async () => {
  const nodes = three(() => Response.json({ ok: true }));
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  for (const path of ["/poll/f-1", "/function", "/functions"]) {
    await (await fetch(lb.url + path)).body?.cancel();
  }
  for (const path of ["/create", "/update", "/delete", "/prewarm", "/workflow/invoke/w"]) {
    await (await fetch(lb.url + path, { method: "POST", body: "{}" })).body?.cancel();
  }
  assert.equal(nodes.flatMap(({ seen }) => seen).length, 8);
  assert.ok(nodes.every(({ seen }) => seen.length >= 2));
  const status = await (await fetch(`${lb.url}/status`)).json();
  assert.deepEqual([status.Role, status.Node, status.Area], ["balancer", "lb-1", "CLOUD"]);
  assert.equal((await fetch(`${lb.url}/healthz`).then((answer) => answer.json())).Status, "ok");
  const metrics = await (await fetch(`${lb.url}/metrics`)).text();
  assert.match(metrics, /serverledge_balancer_requests_total\{kind="other",status="200"\} 8/);
});

Deno.test("a page of another origin may use functions over HTTP, and nothing else", async () => {
  await using node = new FakeNode("a");
  await using lb = await region({ nodes: [node] });
  const headers = { origin: "http://evil.example" };
  assert.equal((await invoke(lb, "f", { headers })).status, 403);
  const created = await fetch(`${lb.url}/create`, { method: "POST", headers, body: "{}" });
  assert.equal(created.status, 403);
  await created.body?.cancel();
  assert.equal((await (await fetch(`${lb.url}/fn/f`, { headers })).json()).Success, true);
});

Deno.test("a client that leaves ends its request to the node", async () => {
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

Deno.test("by learning, the architecture that is faster gets the requests; async ones harm nothing", async () => {
  const answering = (Duration: number): Behaviour => (request, node) => {
    const answer = report(request, node);
    if (node.seen.length % 5 === 0) return Response.json({ ReqId: "f-1" });
    return new Response(
      JSON.stringify({ IsWarmStart: node.seen.length > 1, Duration, ExecutionNode: node.id }),
      { headers: answer.headers },
    );
  };
  await using slow = new FakeNode("slow", answering(0.1), "amd64");
  await using fast = new FakeNode("fast", answering(0.01), "arm64");
  for (const policy of ["UCB1", "LinUCB"]) {
    await using lb = await region({
      nodes: [slow, fast],
      functions: [sampleRecord(policy)],
      config: { "lb.arch_awareness": true, "lb.mode": "MAB", "mab.policy": policy },
    });
    const before = [slow.seen.length, fast.seen.length] as const;
    for (let k = 0; k < 60; k++) assert.equal((await invoke(lb, policy)).status, 200);
    const toSlow = slow.seen.length - before[0];
    const toFast = fast.seen.length - before[1];
    assert.ok(toFast > 45 && toSlow >= 1, `${policy}: ${toSlow} slow, ${toFast} fast`);
  }
});

Deno.test("a function goes only where its image runs", async () => {
  await using amd = new FakeNode("amd", report, "amd64");
  await using arm = new FakeNode("arm", report, "arm64");
  const functions = [sampleRecord("f", { SupportedArchs: ["arm64"] })];
  await using lb = await region({ nodes: [amd, arm], functions });
  for (let k = 0; k < 5; k++) assert.equal(servedBy(await invoke(lb)), "arm");
  arm.behaviour = refuse("NODE_SATURATED");
  assert.equal((await invoke(lb)).status, 429);
  assert.equal(amd.seen.length, 0);
});

/** The node that a function belongs to, where nothing else is under way. */
function nodeOf(name: string, ids: readonly string[]): string {
  return new HashRing(ids, 128).walk(name).next().value!;
}
