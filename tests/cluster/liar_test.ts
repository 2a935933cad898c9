/**
 * A real node among registered peers that lie, dawdle, fall silent, break off or send back what they
 * got. It survives them, runs nothing twice, and answers each request once and in time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NodeClient } from "../../lib/cluster/peers/node_client.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import { sampleRecord } from "../contract/registry.ts";
import { get, post, python } from "../support/client.ts";
import { clears, Continuum, invoke, knows, runs, sees, sleeper } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { FakePeer, rawServer } from "../support/fakes/fake_peer.ts";
import { refuse } from "../support/fakes/fake_node.ts";

/** Never answers. */
const never = () => new Promise<Response>(() => {});

/** Headers that a node signs, as the peer got them. */
function hopOf({ headers }: Request): Headers {
  return new Headers([...headers].filter(([name]) => name.startsWith("serverledge-")));
}

Deno.test("a node among peers that cannot be trusted", async (t) => {
  await using world = await Continuum.start();
  const me = await world.join("me", "EDGE", { "scheduler.policy": "edgeonly" });
  // Too large for the node: it runs elsewhere or nowhere.
  const big = sampleRecord("big", { memoryMib: 1000, cpu: 0 });
  await world.registry.putFunction(big);
  await post(`${me.url}/create`, await python("f", sleeper));
  await knows(me, "big");
  await invoke(me);
  const outcomes = async () => (await world.audit()).map(({ outcome }) => outcome);

  /** The node with one peer of that kind near it. */
  async function nodeWith(
    peer: FakePeer,
    change: Partial<NodeRecord> = {},
  ): Promise<AsyncDisposable> {
    const registration = world.registry.registerNode(peer.record(change));
    await sees(me, [peer]);
    await eventually("its status came", async () => {
      const { Nodes } = (await get(`${me.url}/nodes`)).body;
      return Nodes.some(({ Id, AgeMs }: { Id: string; AgeMs: unknown }) =>
        Id === peer.id && AgeMs !== null
      );
    });
    return {
      async [Symbol.asyncDispose]() {
        await registration[Symbol.asyncDispose]();
        await sees(me, []);
      },
    };
  }

  await t.step(
    "a peer without the memory that it reported: the next peer, then this node",
    async () => {
      await using peer = new FakePeer("boaster", refuse("NODE_SATURATED"));
      await using _ = await nodeWith(peer);
      const busy = invoke(me, { sleep: 1 }, { CanDoOffloading: false });
      await runs(me, 1);
      const answers = await Promise.all([1, 2, 3].map(() => invoke(me)));
      for (const { status, body } of answers) {
        assert.deepEqual([status, body.ExecutionNode], [200, me.id], JSON.stringify(body));
      }
      assert.equal((await busy).status, 200);
      assert.equal(peer.received.length, 3, "each was offered once");
      const refused = await invoke(me, {}, {}, "big");
      assert.deepEqual([refused.status, refused.body.code], [429, "NO_SUITABLE_NODE"]);
    },
  );

  await t.step("impossible numbers are ignored", async () => {
    await using peer = new FakePeer("numbers", refuse("NODE_SATURATED"));
    await using _ = await nodeWith(peer);
    peer.status = { ...peer.status, availableMemoryMib: -1, queueLength: 1e300, warm: [] };
    await sees(me, []);
    assert.equal((await invoke(me)).body.ExecutionNode, me.id);
    peer.status = { ...peer.status, availableMemoryMib: 1, queueLength: 0 };
    await sees(me, [peer]);
  });

  await t.step(
    "a peer that never responds: the deadline responds, and cancels the request",
    async () => {
      await using peer = new FakePeer("slow", never);
      await using _ = await nodeWith(peer);
      const { status, body } = await invoke(me, {}, { QoSMaxRespT: 0.3 }, "big");
      assert.deepEqual([status, body.code], [504, "DEADLINE_EXCEEDED"]);
      await eventually("it is called back", () => peer.calledBack.length === 1);
      assert.deepEqual(peer.calledBack, peer.received);
    },
  );

  await t.step("a peer that stops reporting is not chosen until it reports again", async () => {
    await using peer = new FakePeer("silent", refuse("FUNCTION_ERROR"));
    await using _ = await nodeWith(peer);
    peer.silent = true;
    await sees(me, []);
    assert.equal((await invoke(me, {}, {}, "big")).body.code, "NO_SUITABLE_NODE");
    assert.equal(peer.received.length, 0);
    peer.silent = false;
    await sees(me, [peer]);
    assert.equal((await invoke(me, {}, {}, "big")).body.code, "FUNCTION_ERROR");
    assert.equal(peer.received.length, 1);
  });

  await t.step("invalid responses: sent once, never again", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    for (
      const bytes of [
        "",
        "garbage",
        `${head}content-length: 2\r\n\r\n{}`,
        `${head}content-length: 999999999999\r\n\r\n{`,
        `${head}transfer-encoding: chunked\r\n\r\nfffffffffff\r\n{`,
        "HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n",
      ]
    ) {
      await using peer = new FakePeer("breaker", never);
      using server = rawServer(bytes);
      await using _ = await nodeWith(peer, { url: server.url });
      const { status, body } = await invoke(me, {}, { QoSMaxRespT: 20 }, "big");
      assert.deepEqual([status, body.code], [502, "FUNCTION_CRASHED"], JSON.stringify(bytes));
      assert.equal(server.count, 1);
    }
  });

  await t.step("a request that returns to its node is declined, and runs here once", async () => {
    await using peer: FakePeer = new FakePeer("circle", async (request) => {
      const body = await request.bytes();
      // Word for word, it is signed for this peer.
      const headers = hopOf(request);
      const copied = await fetch(`${me.url}/invoke/f`, { method: "POST", headers, body });
      assert.equal((await copied.json()).code, "UNAUTHORIZED");
      // It sends the request back, signed again and as often as it likes.
      const hop = [...headers].filter(([name]) => !/-(signature|digest)$/.test(name));
      hop.push(["host", new URL(me.url).host]);
      const sent = { method: "POST", path: "/invoke/f", headers: hop, body };
      const record = (await world.registry.registeredNode(me.id))!;
      using client = new NodeClient(peer.auth.signer);
      const back = () => client.ask(record, sent, request.signal, 1 << 20);
      const answers = await Promise.all([back(), back(), back()]);
      for (const answer of answers) {
        assert.equal(JSON.parse(new TextDecoder().decode(answer.body)).code, "PEER_DECLINED");
      }
      const [last] = answers;
      return new Response(last.body, { status: last.status });
    });
    await using _ = await nodeWith(peer);
    const busy = invoke(me, { sleep: 1 }, { CanDoOffloading: false });
    await runs(me, 1);
    const { status, body } = await invoke(me);
    assert.deepEqual([status, body.ExecutionNode], [200, me.id], JSON.stringify(body));
    await busy;
    assert.equal(peer.received.length, 1);
  });

  await t.step("only holders of the secret raise the number of hops", async () => {
    await using peer = new FakePeer("forger", async (request) => {
      const headers = hopOf(request);
      headers.set("serverledge-hops-left", "16");
      headers.set("serverledge-visited", "");
      headers.set("serverledge-request-id", "f-forged");
      const answer = await fetch(`${me.url}/invoke/f`, { method: "POST", headers });
      assert.deepEqual([answer.status, (await answer.json()).code], [401, "UNAUTHORIZED"]);
      return refuse("NODE_SATURATED")();
    });
    await using _ = await nodeWith(peer);
    assert.equal((await invoke(me, {}, {}, "big")).body.code, "NO_SUITABLE_NODE");
    assert.equal(peer.received.length, 1);
  });

  await t.step(
    "the node is healthy, its ledger is empty, each response was written once",
    async () => {
      assert.equal((await get(`${me.url}/healthz`)).status, 200);
      assert.equal((await invoke(me)).status, 200);
      await clears(me, "f");
      const all = await outcomes();
      assert.equal(all.at(-1), "OK");
      const crashed = all.filter((outcome) => outcome === "FUNCTION_CRASHED");
      assert.equal(crashed.length, 6);
    },
  );
});
