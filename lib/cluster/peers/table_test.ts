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

function news(more: Partial<PeerStatus> = {}): PeerStatus {
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
  const hear = (id: string, rttMs: number, more: Partial<PeerStatus> = {}) =>
    table.answered(table.get(id)!, rttMs, news(more));
  const near = (more: Partial<Eligibility> = {}) =>
    table.near({ ...anything, ...more }).map(({ id }) => id);
  const cloud = (more: Partial<Eligibility> = {}) => table.cloud({ ...anything, ...more })?.id;
  return { clock, table, hear, near, cloud, random };
}

const anything: Eligibility = {
  functionName: "f",
  need: "python",
  architectures: [],
  areas: undefined,
  visited: [],
};

Deno.test("near nodes come by distance and load, those without news last", () => {
  const { hear, near } = setUp([node("silent"), node("far"), node("near"), node("full")]);
  hear("far", 50);
  hear("near", 5);
  hear("full", 5, { availableMemoryMib: 0 });
  assert.deepEqual(near(), ["near", "far", "full", "silent"]);
});

Deno.test("a waiting line makes a near node worse than a free one farther away", () => {
  const { hear, near } = setUp([node("a"), node("b")]);
  hear("a", 1, { queueLength: 20 });
  hear("b", 20);
  assert.deepEqual(near(), ["b", "a"]);
});

Deno.test("what was sent to a node takes its room until it answers or tells its news", () => {
  const { table, hear } = setUp([node("a")]);
  hear("a", 1, { warm: () => true });
  const a = table.get("a")!;
  const free = () => {
    const [view] = table.near(anything);
    return [view!.availableMemoryMib, view!.freeCpu, view!.warm];
  };
  const first = a.sent({ memoryMib: 600, cpu: 1 });
  const second = a.sent({ memoryMib: 600, cpu: 1 });
  assert.deepEqual(free(), [0, 2, false]);
  second();
  assert.deepEqual(free(), [400, 3, false]);
  a.corrected({ freeMemoryMib: 100, freeCpu: 1 });
  assert.deepEqual(free(), [100, 1, true]);
  first();
  assert.deepEqual(free(), [100, 1, true], "its answer counted it already");
  a.sent({ memoryMib: 60, cpu: 1 });
  hear("a", 1);
  assert.deepEqual(free(), [1000, 4, false]);
});

Deno.test("an answer is no news where nothing else is known", () => {
  const { table } = setUp([node("a")]);
  table.get("a")!.corrected({ freeMemoryMib: 100, freeCpu: 1 });
  assert.equal(table.near(anything)[0]!.availableMemoryMib, 0);
});

Deno.test("warm comes first while its news is fresh", () => {
  const { hear, near, clock } = setUp([node("cold"), node("warm")]);
  hear("cold", 1);
  hear("warm", 30, { warm: (name) => name === "f" });
  assert.deepEqual(near(), ["warm", "cold"]);
  assert.deepEqual(near({ functionName: "g" }), ["cold", "warm"]);
  clock.advance(15_000);
  assert.deepEqual(near(), ["cold", "warm"]);
});

Deno.test("who has the image comes before who is near, but after who is warm", () => {
  const { hear, near, table } = setUp([node("none"), node("far"), node("warm"), node("silent")]);
  const hasImage = (need: string) => need !== "python";
  hear("none", 1, { hasImage });
  hear("far", 50);
  hear("warm", 60, { hasImage, warm: () => true });
  assert.deepEqual(near(), ["warm", "far", "silent", "none"]);
  assert.deepEqual(near({ need: "nodejs" }), ["warm", "none", "far", "silent"]);
  const missing = table.near(anything).map(({ imageMissing }) => imageMissing);
  assert.deepEqual(missing, [false, false, false, true], "who is warm needs no image");
});

Deno.test("a way to the cloud that has the image comes before better ones, if there is one", () => {
  const at = { area: "CLOUD" };
  const { cloud, hear } = setUp([node("a", at), node("b", at), node("c", at)]);
  for (const id of ["a", "b"]) hear(id, 1, { hasImage: () => false });
  hear("c", 90);
  for (let k = 0; k < 20; k++) assert.equal(cloud(), "c");
  hear("c", 90, { hasImage: () => false });
  assert(cloud() !== undefined);
});

Deno.test("old news counts less", () => {
  const { hear, near, table, clock } = setUp([node("idle"), node("half")]);
  hear("idle", 10, { availableMemoryMib: 1000 });
  clock.advance(60_000);
  hear("half", 10, { availableMemoryMib: 600 });
  assert.deepEqual(near(), ["half", "idle"], "that it was idle a minute ago says little");
  hear("idle", 10);
  assert.deepEqual(near(), ["idle", "half"]);
  assert.equal(table.near(anything)[0]!.ageMs, 0);
});

Deno.test("only nodes that may take the request are offered", () => {
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
  assert.equal(cloud({ architectures: ["arm64"] }), "lb", "a balancer knows where it runs");
  assert.equal(cloud({ areas: ["EDGE"] }), undefined);
  assert.equal(cloud({ visited: ["lb"] }), undefined);
});

Deno.test("two failures in a row, or one refused request, and a node is not chosen", () => {
  const { near, table, hear } = setUp([node("a"), node("b")]);
  hear("a", 1);
  hear("b", 2);
  const a = table.get("a")!;
  table.missed(a);
  assert.deepEqual(near(), ["a", "b"]);
  table.missed(a);
  assert.deepEqual(near(), ["b"]);
  hear("a", 1);
  assert.deepEqual(near(), ["a", "b"]);
  table.refused("a");
  assert.deepEqual(near(), ["b"]);
  table.put(node("a", { incarnation: "a-2" }));
  assert.deepEqual(near(), ["b", "a"], "a new process is a new chance");
});

Deno.test("the cloud is a balancer, spread over several, and a node where there is none", () => {
  const { cloud, table, random } = setUp([
    balancer("lb1"),
    balancer("lb2"),
    balancer("lb3"),
    node("c1", { area: "CLOUD" }),
  ]);
  for (const id of ["lb1", "lb2", "lb3"]) table.answered(table.get(id)!, 10 + random());
  const chosen = new Set(Array.from({ length: 50 }, () => cloud()));
  assert.deepEqual(chosen.size, 2, "the best two of three are chosen, the worst never");
  assert(!chosen.has("c1"));
  for (const id of ["lb1", "lb2", "lb3"]) table.refused(id);
  assert.equal(cloud(), "c1");
  table.remove("c1");
  assert.equal(cloud(), undefined);
});

Deno.test("with a thousand peers a question looks at a few, and all are asked in the end", () => {
  const records = Array.from({ length: 1000 }, (_, i) => node(`n${i}`));
  const { table, near, random } = setUp(records);
  const plan = new ProbePlan(table, random);
  const asked = new Set<string>();
  let rounds = 0;
  for (; asked.size < 1000; rounds++) {
    const peers = plan.next();
    assert(peers.length <= maxProbes);
    assert.equal(new Set(peers).size, peers.length);
    for (const peer of peers) {
      asked.add(peer.record.id);
      table.answered(peer, Number(peer.record.id.slice(1)) + 1, news());
    }
  }
  assert(rounds < 300, `${rounds} rounds`);
  assert.deepEqual(near(), ["n0", "n1", "n2", "n3"]);
});

Deno.test("a plan asks doubtful and dead peers again, and none without an address", () => {
  const { table, hear, random } = setUp([node("a"), node("b"), node("c"), balancer("lb")]);
  for (const id of ["a", "b", "c"]) hear(id, 1);
  table.missed(table.get("a")!);
  table.refused("b");
  const ids = new ProbePlan(table, random).next().map(({ record }) => record.id);
  assert.deepEqual(ids.sort(), ["a", "b", "c"]);
});
