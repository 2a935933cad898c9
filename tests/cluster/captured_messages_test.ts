/**
 * Somebody who reads and writes what nodes with a secret send each other, and in etcd, can neither pose
 * as a node nor make anything happen a second time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatagramCodec } from "../../lib/cluster/status/datagram.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import { code, get, post } from "../support/client.ts";
import { aimsAt, Continuum, invoke, knows, type Member, testSecret } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { CapturingRelay } from "../support/network/capturing_relay.ts";
import { DatagramRelay, freeUdpPort } from "../support/network/datagram_relay.ts";
import { freePort } from "../support/network/free_port.ts";
import { RawClient } from "../support/network/raw_client.ts";

/** Counts its calls, in the only instance that it has. */
const counter = `
let count = 0;
export default (params, context) => ({ count: ++count, node: context.node });
`;

async function counting(name: string): Promise<object> {
  return {
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main.js",
    TarFunctionCode: await code({ "main.js": counter }),
  };
}

/** Sends captured bytes to a node. @returns status and error of its response */
async function replay({ url }: Pick<Member, "url">, text: string) {
  using client = await RawClient.open(Number(new URL(url).port), text);
  const { status, body } = await client.response();
  const { code, message, Result } = JSON.parse(body);
  return { status, code, message, Result };
}

async function refused(node: Pick<Member, "url">, text: string, why: RegExp): Promise<void> {
  const { status, code, message } = await replay(node, text);
  assert.deepEqual([status, code], [401, "UNAUTHORIZED"], message);
  assert.match(message, why);
}

const recordOf = (world: Continuum, { id }: Pick<Member, "id">): Promise<NodeRecord> =>
  world.registry.registeredNode(id).then((record) => record!);

Deno.test("a captured request is useless at the same node, another one, and after a restart", async (t) => {
  await using world = await Continuum.start();
  const port = freePort();
  using relay = new CapturingRelay(port);
  const place = { "api.port": port, "api.url": relay.url };
  const [edge, other, first] = await Promise.all([
    world.join("edge", "EDGE", { "scheduler.policy": "cloudonly" }),
    world.join("other", "EDGE"),
    world.join("cloud", "CLOUD", place),
  ]);
  let cloud = first;
  await aimsAt(edge, [cloud]);
  await post(`${edge.url}/create`, await counting("f"));
  await post(`${edge.url}/create`, await counting("g"));
  for (const node of [cloud, other]) for (const name of ["f", "g"]) await knows(node, name);
  const count = async (): Promise<number> => {
    const { status, body } = await invoke(edge, { text: "abc" });
    assert.deepEqual([status, body.ExecutionNode], [200, cloud.id], JSON.stringify(body));
    return JSON.parse(body.Result).count;
  };

  await t.step("a request that has arrived is rejected everywhere", async () => {
    assert.equal(await count(), 1);
    const request = relay.lastRequest;
    assert.match(request, /^POST \/invoke\/f .*"text":"abc"/s);
    await refused(cloud, request, /already received/);
    await refused(other, request, /signed for node cloud-/);
    await refused(edge, request, /signed for node cloud-/);
    await refused(cloud, request.replace("/invoke/f", "/invoke/g"), /was changed in transit/);
    await refused(cloud, request.replace(/ \d+ (\d{13}) /, " 4000 $1 "), /changed in transit/);
    assert.equal(await count(), 2, "none of these ran");
  });

  await t.step("a request kept from its node is valid only unchanged, and once", async () => {
    relay.swallows = true;
    const { status, body } = await invoke(edge, { text: "abc" });
    assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"]);
    const request = relay.lastRequest;
    relay.swallows = false;
    for (
      const [what, changed] of Object.entries({
        path: request.replace("/invoke/f", "/invoke/g"),
        query: request.replace("/invoke/f", "/invoke/f?x=1"),
        hops: request.replace(/hops-left: \d/, "hops-left: 9"),
        digest: request.replace(/(digest: )../, "$100"),
      })
    ) {
      assert.notEqual(changed, request, what);
      await refused(cloud, changed, /was changed in transit/);
    }
    const { Result } = await replay(cloud, request);
    assert.equal(JSON.parse(Result).count, 3, "it only came late");
    await refused(cloud, request, /already received/);
  });

  await t.step("a request with another body is rejected, and cannot be used again", async () => {
    relay.swallows = true;
    await invoke(edge, { text: "abc" });
    relay.swallows = false;
    const request = relay.lastRequest;
    await refused(cloud, request.replace('"abc"', '"abd"'), /body .* is not the one/);
    await refused(cloud, request, /already received/);
    assert.equal(await count(), 4);
  });

  await t.step("plain HTTP is bound as well", async () => {
    const answer = await fetch(`${edge.url}/fn/f/path?q=1`, {
      method: "POST",
      headers: { "x-role": "reader", "content-type": "text/plain" },
      body: "hello",
    });
    assert.equal((await answer.json()).count, 5);
    const request = relay.lastRequest;
    await refused(cloud, request, /already received/);
    for (const [from, to] of [["q=1", "q=2"], ["reader", "editor"], ["/fn/f", "/fn/g"]] as const) {
      await refused(cloud, request.replace(from, to), /was changed in transit/);
    }
  });

  await t.step("a response that was changed is rejected, and nothing runs twice", async () => {
    relay.alter = (text) => text.replace("count", "c0unt");
    const { status, body } = await invoke(edge, { text: "abc" });
    assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"]);
    assert.match(body.message, /not signed by node cloud-/);
    relay.alter = (text) => text;
    await aimsAt(edge, [cloud]);
    assert.equal(await count(), 7);
  });

  await t.step("an unsigned request that claims to come from a node is refused", async () => {
    const headers = { "serverledge-request-id": "f-1", "serverledge-hops-left": "1" };
    for (const path of ["/invoke/f", "/fn/f"]) {
      const answer = await fetch(cloud.url + path, { method: "POST", headers });
      assert.deepEqual([answer.status, (await answer.json()).code], [401, "UNAUTHORIZED"]);
    }
  });

  await t.step(
    "after a restart, requests captured before are rejected, and new ones accepted",
    async () => {
      relay.swallows = true;
      await invoke(edge, { text: "abc" });
      relay.swallows = false;
      const unseen = relay.lastRequest;
      await cloud.kill();
      cloud = await world.join("cloud", "CLOUD", place);
      await knows(cloud, "f");
      await refused(cloud, unseen, /has restarted since/);
      await aimsAt(edge, [cloud]);
      assert.equal(await count(), 1, "a new instance");
    },
  );
  await world.audit();
});

Deno.test("a restart while etcd is away loses no request: the node announces its new process", async () => {
  await using world = await Continuum.start();
  const port = freePort();
  const udp = freeUdpPort();
  const place = { "api.port": port, "registry.udp.port": udp };
  const dir = await Deno.makeTempDir({ prefix: "serverledge-restart-" });
  await using _ = { [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
  const edge = await world.join("edge", "EDGE", { "scheduler.policy": "cloudonly" });
  const cloud = await world.join("cloud", "CLOUD", { ...place, "data.dir": dir });
  await aimsAt(edge, [cloud]);
  await post(`${edge.url}/create`, await counting("f"));
  await knows(cloud, "f");
  assert.equal((await invoke(edge)).body.ExecutionNode, cloud.id);
  await world.etcd.kill();
  await cloud.kill();
  const again = await world.join("cloud", "CLOUD", { ...place, "data.dir": dir });
  await aimsAt(edge, [again]);
  const { status, body } = await invoke(edge);
  assert.deepEqual([status, body.ExecutionNode], [200, cloud.id], JSON.stringify(body));
});

Deno.test("a forged registration is shown with the reason and receives nothing", async () => {
  await using world = await Continuum.start();
  const node = await world.join("cloud-1", "CLOUD");
  const edge = await world.join("edge", "EDGE", { "scheduler.policy": "cloudonly" });
  const lb = await world.join("lb", "CLOUD", {}, { command: "lb" });
  await aimsAt(edge, [lb]);
  await post(`${node.url}/create`, await counting("f"));
  const received: string[] = [];
  await using trap = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      received.push(`${request.method} ${new URL(request.url).pathname}`);
      return Response.json({
        Status: "ok",
        Problems: [],
        Node: "evil",
        Success: true,
        Result: "{}",
      });
    },
  );
  const url = `http://127.0.0.1:${trap.addr.port}`;
  const genuine = await world.etcd.ctl(
    "get",
    "--print-value-only",
    `/serverledge/v1/nodes/${node.id}`,
  );
  const forged = [
    ["evil", { ...JSON.parse(genuine), Id: "evil", Url: url }],
    ["evil-lb", { ...JSON.parse(genuine), Id: "evil-lb", Url: url, Role: "balancer", Udp: "" }],
    ["unsigned", { ...JSON.parse(genuine), Id: "unsigned", Url: url, Signature: undefined }],
  ] as const;
  for (const [id, record] of forged) {
    await world.etcd.ctl("put", `/serverledge/v1/nodes/${id}`, JSON.stringify(record));
  }
  for (
    const [id, why] of [["evil", /not signed with/], ["unsigned", /not signed: it has no/]] as const
  ) {
    await eventually(`${id} is shown`, async () => {
      const { Nodes } = (await get(`${edge.url}/nodes`)).body;
      const member = Nodes.find(({ Id }: { Id: string }) => Id === id);
      return member?.Reachable === false && why.test(member.Problem);
    });
    await eventually(`the balancer shows ${id}`, async () => {
      const { Targets } = (await get(`${lb.url}/status`)).body;
      const target = Targets.find(({ Node }: { Node: string }) => Node === id);
      return target?.Healthy === false && why.test(target.Problem);
    });
  }
  const { stdout } = await edge.cli(["nodes"]);
  assert.match(stdout, /its registration is not signed with this node's cluster\.secret/);
  const { Problems } = (await get(`${edge.url}/healthz`)).body;
  assert.match(Problems.join(), /is not trusted: its registration/);
  await aimsAt(edge, [lb]);
  for (let k = 0; k < 10; k++) {
    assert.equal((await invoke(edge)).body.ExecutionNode, node.id);
    assert.equal((await invoke(lb)).body.ExecutionNode, node.id);
  }
  assert.deepEqual(received, []);

  // A node whose record somebody overwrites restores it.
  const key = `/serverledge/v1/nodes/${node.id}`;
  await world.etcd.ctl("put", key, JSON.stringify({ ...JSON.parse(genuine), Url: url }));
  await eventually("it is restored", async () => {
    return (await recordOf(world, node)).url === node.url;
  });
  await eventually("it is used again", async () => (await invoke(lb)).status === 200);
  assert.deepEqual(received, []);
});

Deno.test("claims of a client in a balancer's name are rejected", async () => {
  await using world = await Continuum.start();
  const node = await world.join("cloud", "CLOUD");
  const lb = await world.join("lb", "CLOUD", {}, { command: "lb" });
  await post(`${node.url}/create`, await counting("f"));
  await eventually("it is served", async () => (await invoke(lb)).status === 200);
  for (const { url } of [node, lb]) {
    for (const name of ["balancer", "request-id", "digest", "signature"]) {
      const headers = { [`serverledge-${name}`]: "lb" };
      const answer = await fetch(`${url}/invoke/f`, { method: "POST", headers });
      assert.deepEqual([answer.status, (await answer.json()).code], [401, "UNAUTHORIZED"], name);
    }
  }
});

Deno.test("captured datagrams are useless at the same node, another one, and after a restart", async () => {
  await using world = await Continuum.start();
  const captured: Uint8Array<ArrayBuffer>[] = [];
  const udp = freeUdpPort();
  await using relay = new DatagramRelay(`127.0.0.1:${udp}`, 0, (datagram) => {
    captured.push(datagram.slice() as Uint8Array<ArrayBuffer>);
  });
  const place = { "registry.udp.port": udp, "registry.udp.address": relay.address };
  const edge = await world.join("edge", "EDGE");
  const other = await world.join("other", "CLOUD");
  let cloud = await world.join("cloud", "CLOUD", place);
  await aimsAt(edge, [cloud, other]);
  const codec = new DatagramCodec(testSecret);
  const kindOf = (bytes: Uint8Array) => codec.read(bytes);
  const pings = () =>
    captured.filter((bytes) => {
      const datagram = kindOf(bytes);
      return datagram?.kind === "ping" && datagram.from === edge.id && datagram.to === cloud.id;
    });
  await eventually("pings are captured", () => pings().length > 3);

  /** The nonces that a node answers: of captured pings, and then of a new one. */
  const answered = async (port: number, to: string, datagrams: Uint8Array<ArrayBuffer>[]) => {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    try {
      const nonce = crypto.randomUUID().replaceAll("-", "");
      const at = Date.now() + 5_000;
      const fresh = codec.ping({ kind: "ping", from: edge.id, to, nonce, at });
      const address = { transport: "udp", hostname: "127.0.0.1", port } as const;
      for (const bytes of [...datagrams, fresh]) await socket.send(bytes, address);
      const [bytes] = await socket.receive(new Uint8Array(2048));
      const pong = codec.read(bytes);
      assert(pong?.kind === "pong");
      return pong.nonce === nonce ? "only the new one" : "a captured one";
    } finally {
      socket.close();
    }
  };
  const old = pings();
  const portOf = async (member: Member) =>
    Number((await recordOf(world, member)).udp.split(":").at(-1));
  assert.equal(await answered(udp, cloud.id, old), "only the new one");
  assert.equal(await answered(await portOf(other), other.id, old), "only the new one");

  const pongs = captured.filter((bytes) => {
    const datagram = kindOf(bytes);
    return datagram?.kind === "pong" && datagram.from === cloud.id;
  });
  assert(pongs.length > 3);
  const toEdge = await portOf(edge);
  await cloud.kill();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  await eventually("captured pongs do not keep it alive", async () => {
    for (const bytes of pongs) {
      await socket.send(bytes, { transport: "udp", hostname: "127.0.0.1", port: toEdge });
    }
    const { Nodes } = (await get(`${edge.url}/nodes`)).body;
    const member = Nodes.find(({ Id }: { Id: string }) => Id === cloud.id);
    return member === undefined || !member.Reachable;
  });
  socket.close();

  const last = pings().slice(-5);
  cloud = await world.join("cloud", "CLOUD", place);
  assert.equal(await answered(udp, cloud.id, last), "only the new one");
});
