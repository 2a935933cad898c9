import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import type { NodeRecord, PeerStatus } from "../../model/node.ts";
import { originCoordinate } from "../coordinates/coordinates.ts";
import { PeerTable } from "./table.ts";
import type { Eligibility } from "./peers.ts";
import { maxProbes, ProbePlan } from "../status/probe_plan.ts";
import { Vivaldi } from "../coordinates/vivaldi.ts";

function node(id: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id,
    area: "EDGE",
    role: "node",
    url: `http://10.0.0.1:1323`,
    udp: "10.0.0.1:9876",
    architecture: "amd64",
    incarnation: `${id}-1`,
    ...more,
  };
}

const balancer = (id: string) => node(id, { area: "CLOUD", role: "balancer", udp: "" });

function status(more: Partial<PeerStatus> = {}): PeerStatus {
  return {
    availableMemoryMib: 1000,
    totalMemoryMib: 1000,
    freeCpu: 4,
    queueLength: 0,
    running: 0,
    coordinate: originCoordinate,
    warm: () => false,
    hasImage: () => true,
    ...more,
  };
}

function setUp(records: NodeRecord[]) {
  const clock = new ManualClock();
  let state = 1;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const table = new PeerTable({
    id: "me",
    area: "EDGE",
    remoteArea: "CLOUD",
    vivaldi: new Vivaldi(random),
    now: () => clock.now(),
    random,
  });
  table.reset(records);
  const update = (id: string, rttMs: number, more: Partial<PeerStatus> = {}) =>
    table.probeSucceeded(table.get(id)!, rttMs, status(more));
  const near = (more: Partial<Eligibility> = {}) =>
    table.near({ ...anything, ...more }).map(({ id }) => id);
  const cloud = (more: Partial<Eligibility> = {}) => table.cloud({ ...anything, ...more })?.id;
  return { clock, table, update, near, cloud, random };
}

const anything: Eligibility = {
  functionName: "f",
  need: "python",
  architectures: [],
  areas: undefined,
  visited: [],
};

Deno.test("PeerTable: near orders by distance and load, peers without a status last", () => {
  const { update, near } = setUp([node("silent"), node("far"), node("near"), node("full")]);
  update("far", 50);
  update("near", 5);
  update("full", 5, { availableMemoryMib: 0 });
  assert.deepEqual(near(), ["near", "far", "full", "silent"]);
});

Deno.test("PeerTable: near prefers a distant free node to a near one with a queue", () => {
  const { update, near } = setUp([node("a"), node("b")]);
  update("a", 1, { queueLength: 20 });
  update("b", 20);
  assert.deepEqual(near(), ["b", "a"]);
});

Deno.test("PeerTable: requests in flight reduce a peer's free resources until its next status", () => {
  const { table, update } = setUp([node("a")]);
  update("a", 1, { warm: () => true });
  const a = table.get("a")!;
  const free = () => {
    const [view] = table.near(anything);
    return [view!.availableMemoryMib, view!.freeCpu, view!.warm];
  };
  const first = a.startRequest({ memoryMib: 600, cpu: 1 });
  const second = a.startRequest({ memoryMib: 600, cpu: 1 });
  assert.deepEqual(free(), [0, 2, false]);
  second();
  assert.deepEqual(free(), [400, 3, false]);
  a.updateResources({ freeMemoryMib: 100, freeCpu: 1 });
  assert.deepEqual(free(), [100, 1, true]);
  first();
  assert.deepEqual(free(), [100, 1, true], "its response included it already");
  a.startRequest({ memoryMib: 60, cpu: 1 });
  update("a", 1);
  assert.deepEqual(free(), [1000, 4, false]);
});

Deno.test("PeerTable: resources in a response are ignored without a status", () => {
  const { table } = setUp([node("a")]);
  table.get("a")!.updateResources({ freeMemoryMib: 100, freeCpu: 1 });
  assert.equal(table.near(anything)[0]!.availableMemoryMib, 0);
});

Deno.test("PeerTable: near prefers a warm node while its status is fresh", () => {
  const { update, near, clock } = setUp([node("cold"), node("warm")]);
  update("cold", 1);
  update("warm", 30, { warm: (name) => name === "f" });
  assert.deepEqual(near(), ["warm", "cold"]);
  assert.deepEqual(near({ functionName: "g" }), ["cold", "warm"]);
  clock.advance(15_000);
  assert.deepEqual(near(), ["cold", "warm"]);
});

Deno.test("PeerTable: near prefers nodes with the image to nearer ones, and warm nodes to both", () => {
  const { update, near, table } = setUp([node("none"), node("far"), node("warm"), node("silent")]);
  const hasImage = (need: string) => need !== "python";
  update("none", 1, { hasImage });
  update("far", 50);
  update("warm", 60, { hasImage, warm: () => true });
  assert.deepEqual(near(), ["warm", "far", "silent", "none"]);
  assert.deepEqual(near({ need: "nodejs" }), ["warm", "none", "far", "silent"]);
  const missing = table.near(anything).map(({ imageMissing }) => imageMissing);
  assert.deepEqual(missing, [false, false, false, true], "a warm node needs no image");
});

Deno.test("PeerTable: cloud prefers nodes that have the image", () => {
  const at = { area: "CLOUD" };
  const { cloud, update } = setUp([node("a", at), node("b", at), node("c", at)]);
  for (const id of ["a", "b"]) update(id, 1, { hasImage: () => false });
  update("c", 90);
  for (let k = 0; k < 20; k++) assert.equal(cloud(), "c");
  update("c", 90, { hasImage: () => false });
  assert(cloud() !== undefined);
});

Deno.test("PeerTable: an old status counts less", () => {
  const { update, near, table, clock } = setUp([node("idle"), node("half")]);
  update("idle", 10, { availableMemoryMib: 1000 });
  clock.advance(60_000);
  update("half", 10, { availableMemoryMib: 600 });
  assert.deepEqual(near(), ["half", "idle"], "that it was idle a minute ago says little");
  update("idle", 10);
  assert.deepEqual(near(), ["idle", "half"]);
  assert.equal(table.near(anything)[0]!.ageMs, 0);
});

Deno.test("PeerTable: near and cloud offer only nodes that may take the request", () => {
  const { near, cloud } = setUp([
    node("arm", { architecture: "arm64" }),
    node("amd"),
    node("elsewhere", { area: "OTHER" }),
    balancer("lb"),
    node("edge-lb", { role: "balancer", udp: "" }),
  ]);
  assert.deepEqual(near({ architectures: ["arm64"] }), ["arm"]);
  assert.deepEqual(near({ visited: ["arm"] }), ["amd"]);
  assert.deepEqual(near({ areas: ["CLOUD"] }), []);
  assert.equal(cloud({ architectures: ["arm64"] }), "lb", "a balancer chooses the node");
  assert.equal(cloud({ areas: ["EDGE"] }), undefined);
  assert.equal(cloud({ visited: ["lb"] }), undefined);
});

Deno.test("PeerTable: excludes a peer after two failed probes or one failed connection", () => {
  const { near, table, update } = setUp([node("a"), node("b")]);
  update("a", 1);
  update("b", 2);
  const a = table.get("a")!;
  table.probeFailed(a);
  assert.deepEqual(near(), ["a", "b"]);
  table.probeFailed(a);
  assert.deepEqual(near(), ["b"]);
  update("a", 1);
  assert.deepEqual(near(), ["a", "b"]);
  table.connectionFailed("a");
  assert.deepEqual(near(), ["b"]);
  table.put(node("a", { incarnation: "a-2" }));
  assert.deepEqual(near(), ["b", "a"], "a new process starts clean");
});

Deno.test("PeerTable: cloud spreads over the balancers, and falls back to nodes", () => {
  const { cloud, table, random } = setUp([
    balancer("lb1"),
    balancer("lb2"),
    balancer("lb3"),
    node("c1", { area: "CLOUD" }),
  ]);
  for (const id of ["lb1", "lb2", "lb3"]) table.probeSucceeded(table.get(id)!, 10 + random());
  const chosen = new Set(Array.from({ length: 50 }, () => cloud()));
  assert.deepEqual(chosen.size, 2, "only the best two of three are chosen");
  assert(!chosen.has("c1"));
  for (const id of ["lb1", "lb2", "lb3"]) table.connectionFailed(id);
  assert.equal(cloud(), "c1");
  table.remove("c1");
  assert.equal(cloud(), undefined);
});

Deno.test("ProbePlan: probes few of a thousand peers in a round, and all eventually", () => {
  const records = Array.from({ length: 1000 }, (_, i) => node(`n${i}`));
  const { table, near, random } = setUp(records);
  const plan = new ProbePlan(table, random);
  const probed = new Set<string>();
  let rounds = 0;
  for (; probed.size < 1000; rounds++) {
    const peers = plan.next();
    assert(peers.length <= maxProbes);
    assert.equal(new Set(peers).size, peers.length);
    for (const peer of peers) {
      probed.add(peer.record.id);
      table.probeSucceeded(peer, Number(peer.record.id.slice(1)) + 1, status());
    }
  }
  assert(rounds < 300, `${rounds} rounds`);
  assert.deepEqual(near(), ["n0", "n1", "n2", "n3"]);
});

Deno.test("ProbePlan: includes suspect and unreachable peers, but none without an address", () => {
  const { table, update, random } = setUp([node("a"), node("b"), node("c"), balancer("lb")]);
  for (const id of ["a", "b", "c"]) update(id, 1);
  table.probeFailed(table.get("a")!);
  table.connectionFailed("b");
  const ids = new ProbePlan(table, random).next().map(({ record }) => record.id);
  assert.deepEqual(ids.sort(), ["a", "b", "c"]);
});
