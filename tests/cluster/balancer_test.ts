/**
 * A real balancer over fake nodes on loopback: which node gets what.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startBalancer } from "../../lib/node/balancer_node.ts";
import { resolveConfig } from "../../lib/config/config.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import { connectEtcd } from "../../lib/registry/etcd/registry.ts";
import { sampleRecord } from "../contract/registry.ts";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { type Behaviour, FakeNode, refuse, report } from "../support/fakes/fake_node.ts";
import { closing, invoke, region, servedBy, targets, three } from "../support/region.ts";

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

Deno.test("instances are pre-warmed on the node that gets the function's requests", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  await using lb = await region({ nodes });
  for (let k = 0; k < 10; k++) {
    const body = JSON.stringify({ function: `f${k}`, Instances: 1 });
    const warmed = await (await fetch(`${lb.url}/prewarm`, { method: "POST", body })).json();
    assert.equal(warmed.ExecutionNode, servedBy(await invoke(lb, `f${k}`)));
  }
  const bad = await fetch(`${lb.url}/prewarm`, { method: "POST", body: "{" });
  assert.equal(bad.status, 200);
  await bad.body?.cancel();
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

Deno.test("a burst on one function is spread within the load factor", async () => {
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

Deno.test("bodies and headers pass unchanged both ways, except the balancer's own headers", async () => {
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
  assert.equal(header("host"), new URL(lb.url).host, "the one that the client used");
  assert.equal(header("serverledge-mab-request-id"), null);
  const hop = ["request-id", "hops-left", "visited", "budget-ms"];
  assert.deepEqual(
    hop.map((name) => header(`serverledge-${name}`)),
    ["f-1", "1", "edge-1", "500"],
  );
});

Deno.test("responses are streamed: the start arrives before the end is written", async () => {
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
  lb.members.put({ ...nodes[2]!.record, area: "EDGE" });
  assert.deepEqual(await served(), new Set(["b"]));
});

Deno.test("other routes are not forwarded; status, health and metrics are the balancer's own", async () => {
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

Deno.test("the bandit sends requests to the faster architecture; async requests do no harm", async () => {
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
  const functions = [sampleRecord("f", { architectures: ["arm64"] })];
  await using lb = await region({ nodes: [amd, arm], functions });
  for (let k = 0; k < 5; k++) assert.equal(servedBy(await invoke(lb)), "arm");
  arm.behaviour = refuse("NODE_SATURATED");
  assert.equal((await invoke(lb)).status, 429);
  assert.equal(amd.seen.length, 0);
});

Deno.test("with etcd a balancer finds nodes and functions, registers itself, and unregisters when it stops", async () => {
  await using etcd = await startEtcd();
  await using registry = await connectEtcd({ endpoints: [etcd.endpoint] });
  const { config } = resolveConfig([{
    origin: "test",
    values: { "etcd.address": etcd.endpoint, "registry.area": "CLOUD", "api.port": 0 },
  }]);
  await using node = new FakeNode("a", report, "arm64");
  await using _registered = registry.registerNode(node.record);
  await registry.createFunction(sampleRecord("f", { architectures: ["amd64"] }));
  const seen = new Map<string, NodeRecord>();
  await using _watch = await registry.watchNodes({
    reset(records) {
      seen.clear();
      for (const record of records) seen.set(record.id, record);
    },
    put: (record) => seen.set(record.id, record),
    remove: (id) => seen.delete(id),
  });

  await using one = await startBalancer(config);
  await using two = await startBalancer(config);
  await eventually("both are registered", () => Promise.resolve(seen.size === 3));
  const record = seen.get(one.id)!;
  assert.deepEqual([record.role, record.area, record.url], ["balancer", "CLOUD", one.url]);
  for (const lb of [one, two]) {
    await eventually("it has found the node", async () => {
      return (await fetch(`${lb.url}/healthz`).then((answer) => answer.json())).Status === "ok";
    });
    assert.equal(servedBy(await invoke(lb, "unknown")), "a");
    assert.equal((await invoke(lb)).body.code, "NO_SUITABLE_NODE");
  }
  await one.stop();
  await eventually("it is gone", () => Promise.resolve(!seen.has(one.id)));
  await assert.rejects(fetch(`${one.url}/healthz`));
  assert.equal(servedBy(await invoke(two, "unknown")), "a");
});

Deno.test("without etcd a balancer reports which key to set", async () => {
  await assert.rejects(startBalancer(resolveConfig([]).config), {
    code: "CONFIG_INVALID",
    message:
      "A load balancer finds its nodes in etcd: set etcd.address to the etcd that the nodes use",
  });
});

Deno.test("a node without the image gets no requests, and pulls the image when the others are overloaded", async () => {
  const nodes = three();
  await using _ = { [Symbol.asyncDispose]: () => closing(nodes) };
  const [having, ...lacking] = nodes as [FakeNode, FakeNode, FakeNode];
  for (const node of lacking) node.missingImages = ["python"];
  lacking[1]!.freeMemory = 500;
  const functions = ["f", "g", "h"].map((name) => sampleRecord(name));
  await using lb = await region({ nodes, functions, config: { "lb.refresh_interval": 0.1 } });
  await eventually(
    "all have reported",
    async () => (await targets(lb)).every(({ AvailableMemory }) => AvailableMemory !== null),
  );
  for (const { name } of functions) assert.equal(servedBy(await invoke(lb, name)), having.id);
  having.freeMemory = 0;
  await invoke(lb); // its answer tells that it is full
  assert.equal(servedBy(await invoke(lb)), having.id);
  await eventually("one has been asked to fetch it", () => lacking[0]!.paths.includes("/prewarm"));
  assert.deepEqual(JSON.parse(new TextDecoder().decode(lacking[0]!.seen[0]!.body)), {
    Function: "f",
    Instances: 0,
  });
  assert.deepEqual(lacking[1]!.paths, []);
  lacking[0]!.missingImages = [];
  await eventually("it gets requests", async () => servedBy(await invoke(lb)) === lacking[0]!.id);
});
