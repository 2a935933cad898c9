import assert from "node:assert/strict";
import { systemClock } from "../../lib/base/clock.ts";
import { randomId } from "../../lib/base/ids.ts";
import { Cluster } from "../../lib/cluster/cluster.ts";
import type { ClusterOptions } from "../../lib/cluster/options.ts";
import { DatagramCodec, type LocalStatus } from "../../lib/cluster/status/datagram.ts";
import type { Eligibility, Forwarded } from "../../lib/cluster/peers/peers.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import { connectEtcd } from "../../lib/registry/etcd/registry.ts";
import type { NodeObserver, Registration, Registry } from "../../lib/registry/registry.ts";
import { defaultRequest } from "../../lib/model/invocation.ts";
import { sampleNode, sampleRecord } from "../contract/registry.ts";
import { startEtcd, type TestEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { authOf } from "../support/fakes/signing_server.ts";
import { refuse } from "../support/fakes/fake_node.ts";

const idle: LocalStatus = {
  availableMemoryMib: 512,
  totalMemoryMib: 1024,
  freeCpu: 2,
  queueLength: 0,
  running: 0,
  warm: ["f"],
  images: undefined,
};

const anything: Eligibility = {
  functionName: "f",
  need: "python",
  architectures: [],
  areas: undefined,
  visited: [],
};

const forwarded: Forwarded = {
  id: "f-1",
  record: sampleRecord("f"),
  request: defaultRequest,
  budgetMs: 5000,
  hopsLeft: 0,
  visited: ["me"],
  originArea: "EDGE",
};

const never = new AbortController().signal;

/** Rounds are quick, so that tests need not wait. */
const quickMs = 50;

/** Rounds in which a busy machine does not miss two answers in a row. */
const calm = { nearbyMs: 500, monitoringMs: 500 };

/** A member with a registry of its own, as in a process of its own. */
class Member implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;

  private constructor(
    readonly cluster: Cluster,
    readonly registry: Registry,
    owned: AsyncDisposableStack,
  ) {
    this.#owned = owned;
  }

  static async start(
    etcd: TestEtcd,
    id: string,
    area: string,
  ): Promise<Member> {
    await using stack = new AsyncDisposableStack();
    const registry = stack.use(connectEtcd({ endpoints: [etcd.endpoint] }));
    const cluster = stack.use(await openCluster(registry, id, area, calm));
    cluster.join(1);
    return new Member(cluster, registry, stack.move());
  }

  /** Ids of members that it knows, itself excluded; those that do not answer with a mark. */
  get others(): string {
    return this.cluster.members().filter(({ self }) => !self)
      .map(({ id, reachable, ageMs }) => id + (reachable ? ageMs === null ? "?" : "" : "!"))
      .join(" ");
  }

  get near(): string {
    return this.cluster.near(anything).map(({ id }) => id).join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

function openCluster(
  registry: Pick<Registry, "registerNode" | "watchNodes">,
  id: string,
  area: string,
  more: Partial<ClusterOptions> = {},
): Promise<Cluster> {
  const node = { id, area, architecture: "amd64", incarnation: randomId(12) };
  return Cluster.open({
    registry,
    node,
    auth: authOf("s3cret", node),
    address: "127.0.0.1",
    remoteArea: "CLOUD",
    udpPort: 0,
    udpPortIsFixed: true,
    nearbyMs: quickMs,
    monitoringMs: quickMs,
    clock: systemClock,
    random: Math.random,
    status: () => idle,
    onStatus: () => {},
    ...more,
  });
}

/** A registry in which a test says who is registered. */
class StaticRegistry {
  readonly records: NodeRecord[] = [];
  readonly #observers = new Set<NodeObserver>();

  registerNode(record: NodeRecord): Registration {
    this.put(record);
    return {
      conflict: undefined,
      abandon: () => {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  watchNodes(observer: NodeObserver): Promise<Disposable> {
    observer.reset(this.records);
    this.#observers.add(observer);
    return Promise.resolve({ [Symbol.dispose]: () => {} });
  }

  put(record: NodeRecord): void {
    this.records.push(record);
    for (const observer of this.#observers) observer.put(record);
  }
}

Deno.test("nodes find each other, measure distances, leave, crash and return", async (t) => {
  await using etcd = await startEtcd();
  await using a = await Member.start(etcd, "a", "EDGE");
  await using b = await Member.start(etcd, "b", "EDGE");
  await using c = await Member.start(etcd, "c", "CLOUD");

  await t.step("all nodes know each other, with status", async () => {
    for (const [member, others] of [[a, "c b"], [b, "c a"], [c, "a b"]] as const) {
      await eventually(`${others} are known`, () => member.others === others);
    }
    const [view] = a.cluster.near(anything);
    assert.equal(view!.id, "b");
    assert.equal(view!.availableMemoryMib, 512);
    assert(view!.warm && view!.rttMs > 0 && view!.rttMs < 1000);
    assert.deepEqual(a.cluster.cloud(anything)?.id, "c", "a node where there is no balancer");
    assert.equal(c.cluster.cloud(anything), undefined, "the cloud has no cloud");
    const [self] = a.cluster.members();
    assert.deepEqual([self!.id, self!.self, self!.availableMemoryMib], ["a", true, 512]);
    assert(a.cluster.members().some(({ id, isCloudTarget }) => id === "c" && isCloudTarget));
    await eventually("it has a place", () => a.cluster.coordinate.error < 1.5);
  });

  await t.step("a node that leaves is removed at once", async () => {
    const d = await Member.start(etcd, "d", "EDGE");
    await eventually("d is known", () => a.others === "c b d");
    await d[Symbol.asyncDispose]();
    await eventually("d is gone", () => a.others === "c b", 5_000);
  });

  await t.step(
    "a node that crashes is skipped long before its lease ends, and used again when it is back",
    async () => {
      const ghost = sampleNode("ghost", { area: "EDGE", udp: "127.0.0.1:1" });
      await using _record = b.registry.registerNode(ghost);
      await eventually("it is known", () => a.others.includes("ghost"));
      await eventually(
        "it is not chosen",
        () => a.others.includes("ghost!") && a.near === "b",
        5_000,
      );
      await using _back = await Member.start(etcd, "ghost", "EDGE");
      await eventually("it is chosen", () => a.near.includes("ghost"));
    },
  );

  await t.step(
    "without etcd all nodes stay known and reachable, also when it is back without its data",
    async () => {
      await eventually("the ghost is gone", () => a.others === "c b");
      await etcd.kill();
      await eventually("etcd is missed", () => !a.registry.health().ok);
      assert.deepEqual([a.others, a.near], ["c b", "b"]);
      await etcd.restart({ wipe: true });
      await eventually("all are registered again", async () => {
        const keys = await etcd.ctl("get", "--prefix", "--keys-only", "/serverledge/v1/nodes/");
        return keys.trim().split(/\s+/).length === 3;
      });
      assert.deepEqual([a.others, a.near], ["c b", "b"]);
      await using _d = await Member.start(etcd, "d", "EDGE");
      await eventually("who comes then is known", () => a.others === "c b d");
    },
  );

  await t.step("a lost lease and a removed record are restored", async () => {
    const present = async () => (await etcd.ctl("get", "/serverledge/v1/nodes/b")) !== "";
    const leases = (await etcd.ctl("lease", "list")).split("\n").slice(1).filter(Boolean);
    for (const lease of leases) await etcd.ctl("lease", "revoke", lease).catch(() => {});
    await eventually("b has a new lease", present);
    await etcd.ctl("del", "/serverledge/v1/nodes/b");
    await eventually("b is written again", present);
  });
});

Deno.test("status is accepted only from registered peers that share the secret", async (t) => {
  const registry = new StaticRegistry();
  await using me = await openCluster(registry, "me", "EDGE");
  me.join(1);
  await using good = await openCluster(registry, "good", "EDGE");
  good.join(1);
  const state = (id: string) => me.members().find((member) => member.id === id)!;

  await t.step("status with another secret is ignored", async () => {
    // Gone with this step: what it sends would be refused among what the others send.
    const id = "stranger";
    const auth = {
      ...authOf("s3cret", { id, incarnation: "1" }),
      datagrams: new DatagramCodec("other"),
    };
    await using other = await openCluster(registry, id, "EDGE", { auth });
    other.join(1);
    await eventually("the status of the good one has come", () => state("good").ageMs !== null);
    await eventually("the stranger is given up", () => !state("stranger").reachable);
    assert.equal(state("stranger").ageMs, null);
    assert(me.traffic.ignored > 0);
  });

  const { port } = new URL(`udp://${registry.records[0]!.udp}`.replace("udp:", "http:"));
  const to = { transport: "udp", hostname: "127.0.0.1", port: Number(port) } as const;
  const codec = new DatagramCodec("s3cret");
  const nonce = "0".repeat(32);

  /** Sends as one peer from some address; tells whether it was refused or answered. */
  async function ask(hostname: string, datagrams: Uint8Array<ArrayBuffer>[]): Promise<string[]> {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const results: string[] = [];
    try {
      for (const datagram of datagrams) {
        const before = me.traffic.ignored;
        await socket.send(datagram, to);
        const answered = socket.receive(new Uint8Array(1500)).then(() => "answered", () => "");
        const refused = eventually("refused", () => me.traffic.ignored > before, 5_000)
          .then(() => "refused", () => "neither");
        results.push(await Promise.race([answered, refused]));
      }
      return results;
    } finally {
      socket.close();
    }
  }
  const ping = (from: string, at: number, more = {}) =>
    codec.ping({ kind: "ping", from, to: "me", nonce, at, ...more });

  await t.step(
    "a registered peer gets a response to each ping once, if the ping is fresh",
    async () => {
      // The peer itself pings as well, and would be the later one.
      registry.put(sampleNode("quiet", { area: "EDGE", udp: "127.0.0.1:2" }));
      const now = Date.now();
      const datagram = ping("quiet", now);
      assert.deepEqual(await ask("127.0.0.1", [datagram]), ["answered"]);
      assert.deepEqual(await ask("127.0.0.1", [datagram]), ["refused"], "replayed");
      assert.deepEqual(await ask("127.0.0.1", [ping("quiet", now - 60_000)]), ["refused"]);
      assert.deepEqual(await ask("127.0.0.1", [ping("quiet", now + 60_000)]), ["refused"]);
    },
  );

  await t.step("unknown senders get no response", async () => {
    const now = Date.now() + 100;
    assert.deepEqual(await ask("127.0.0.2", [ping("quiet", now)]), ["refused"], "lying address");
    assert.deepEqual(await ask("127.0.0.1", [ping("nobody", now)]), ["refused"]);
    assert.deepEqual(await ask("127.0.0.1", [ping("quiet", now, { to: "you" })]), ["refused"]);
    assert.deepEqual(await ask("127.0.0.1", [new Uint8Array([65])]), ["refused"], "as the Go node");
    const unasked = codec.pong("quiet", nonce, idle, me.coordinate);
    assert.deepEqual(await ask("127.0.0.1", [unasked]), ["refused"], "nobody asked");
  });

  await t.step("a peer that sends too many pings gets no more responses", async () => {
    const before = me.traffic.ignored;
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    for (let i = 1; me.traffic.ignored === before; i++) {
      assert(i < 10_000, "it is answered for ever");
      await socket.send(ping("quiet", Date.now() + 1000 + i), to);
    }
    socket.close();
  });
});

Deno.test("nodes of one machine choose free ports, unless a port is configured", async () => {
  const registry = new StaticRegistry();
  await using one = await openCluster(registry, "one", "EDGE");
  one.join(1);
  const taken = Number(registry.records[0]!.udp.split(":")[1]);
  await assert.rejects(openCluster(registry, "two", "EDGE", { udpPort: taken }), {
    code: "CONFIG_INVALID",
    message: /registry\.udp\.port/,
  });
  await using two = await openCluster(registry, "two", "EDGE", {
    udpPort: taken,
    udpPortIsFixed: false,
  });
  two.join(2);
  const receivesStatus = (cluster: Cluster) =>
    eventually(
      "it has the status of the other",
      () => cluster.members().every(({ ageMs }) => ageMs !== null),
    );
  await receivesStatus(one);
  await receivesStatus(two);
});

Deno.test("a balancer is the cloud while it is healthy", async () => {
  let healthy = true;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (asked) => {
      if (asked.method === "POST") return refuse("PEER_UNREACHABLE")();
      return new Response("{}", { status: healthy ? 200 : 503 });
    },
  );
  const registry = new StaticRegistry();
  await using me = await openCluster(registry, "me", "EDGE", { auth: undefined });
  const balancer = { area: "CLOUD", role: "balancer", udp: "" } as const;
  registry.put(sampleNode("lb", { ...balancer, url: `http://127.0.0.1:${server.addr.port}` }));
  registry.put(sampleNode("dead", { ...balancer, url: "http://127.0.0.1:1" }));
  await eventually("the dead one is given up", () => {
    return me.members().some(({ id, reachable }) => id === "dead" && !reachable);
  });
  await eventually("its way is known", () => (me.cloud(anything)?.rttMs ?? Infinity) < 1000);
  assert.equal(me.cloud(anything)?.id, "lb");
  assert.equal(me.cloud(anything)?.availableMemoryMib, Infinity);
  // The balancer can be reached well, though a node behind it cannot.
  const sent = me.send("lb", forwarded, never);
  await assert.rejects(sent, {
    code: "PEER_DECLINED",
    details: { peerCode: "PEER_UNREACHABLE" },
  });
  assert.equal(me.cloud(anything)?.id, "lb");
  healthy = false;
  await eventually("there is no cloud", () => me.cloud(anything) === undefined);
  healthy = true;
  await eventually("it is back", () => me.cloud(anything)?.id === "lb");
});

Deno.test("a request to a peer that stops responding is cancelled, one to a slow peer is not", async () => {
  // The kernel accepts connections for it; nobody reads them.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { promise, resolve } = Promise.withResolvers<void>();
  let checks = 0;
  await using slow = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (asked) => {
      if (asked.method === "GET" && ++checks === 6) resolve();
      if (asked.method === "POST") await promise;
      return refuse("FUNCTION_ERROR")();
    },
  );
  const registry = new StaticRegistry();
  await using me = await openCluster(registry, "me", "EDGE", { auth: undefined, livenessMs: 20 });
  const at = (port: number) => ({ area: "EDGE", udp: "", url: `http://127.0.0.1:${port}` });
  registry.put(sampleNode("silent", at((silent.addr as Deno.NetAddr).port)));
  registry.put(sampleNode("slow", at(slow.addr.port)));
  const answered = assert.rejects(me.send("slow", forwarded, never), { code: "FUNCTION_ERROR" });
  await assert.rejects(me.send("silent", forwarded, never), {
    code: "FUNCTION_CRASHED",
    message: /silent at http.* no longer responds/,
  });
  assert(me.members().some(({ id, reachable }) => id === "silent" && !reachable));
  await answered;
});
