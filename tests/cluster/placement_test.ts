/**
 * Where requests may run at all: on their architectures, in their areas.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sampleRecord } from "../contract/registry.ts";
import { get, post, python } from "../support/client.ts";
import {
  aimsAt,
  becomesIdle,
  Continuum,
  invoke,
  knows,
  type Member,
  runs,
  sees,
  sleeper,
} from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { refuse } from "../support/fakes/fake_node.ts";
import { FakePeer } from "../support/fakes/fake_peer.ts";
import { sampleReport } from "../support/fakes/fake_services.ts";

/** A function whose image is of one architecture. */
const onlyOn = (name: string, architecture: string) =>
  sampleRecord(name, {
    runtime: "custom",
    customImage: `example/only-${architecture}`,
    memoryMib: 16,
    cpu: 0,
    architectures: [architecture],
  });

/** What the one that answered says of where it ran. */
const where = async (node: Member, name: string, more: object = {}) => {
  const { body } = await invoke(node, {}, more, name);
  return body.ExecutionNode ?? body.code;
};

Deno.test("a function goes only where its image runs", async () => {
  await using world = await Continuum.start();
  const answer = (id: string) => () => Response.json({ ...sampleReport, ExecutionNode: id });
  await using arm = new FakePeer("arm", answer("arm"));
  await using amd = new FakePeer("amd", answer("amd"));
  await using _arm = world.registry.registerNode(arm.record({ architecture: "arm64" }));
  await using _amd = world.registry.registerNode(amd.record());
  await world.registry.putFunction(onlyOn("for-arm", "arm64"));
  await world.registry.putFunction(onlyOn("for-none", "riscv64"));
  const me = await world.join("me", "EDGE", {
    "scheduler.policy": "edgeonly",
    "node.architecture": "amd64",
  });
  await sees(me, [amd, arm]);
  for (const name of ["for-arm", "for-none"]) await knows(me, name);
  await eventually("both have reported their status", async () => {
    const { Nodes } = (await get(`${me.url}/nodes`)).body;
    return Nodes.every(({ AgeMs }: { AgeMs: unknown }) => AgeMs !== null);
  });

  for (let k = 0; k < 5; k++) assert.equal(await where(me, "for-arm"), "arm");
  assert.equal(amd.received.length, 0);
  assert.equal(await where(me, "for-none"), "NO_SUITABLE_NODE");
  assert.equal(await where(me, "for-arm", { CanDoOffloading: false }), "NO_SUITABLE_NODE");
  assert.equal(await where(me, "for-arm", { Locality: "node" }), "NO_SUITABLE_NODE");
  arm.behaviour = refuse("NODE_SATURATED");
  assert.equal(await where(me, "for-arm"), "NO_SUITABLE_NODE");
  assert.deepEqual([arm.received.length, amd.received.length], [6, 0]);
  assert((await world.audit()).every(({ place }) => place !== "local"));
});

Deno.test("requests run only where their locality allows", async () => {
  await using world = await Continuum.start();
  const cloud = { "container.pool.memory": 256 };
  const [edge, near, far] = await Promise.all([
    world.join("edge", "EDGE", { "scheduler.policy": "edgecloud" }),
    world.join("near", "EDGE"),
    world.join("far", "CLOUD", cloud),
  ]);
  await aimsAt(edge, [far]);
  await post(`${edge.url}/create`, await python("anywhere", sleeper));
  await post(`${edge.url}/create`, await python("here", sleeper, { Locality: "node" }));
  await post(`${edge.url}/create`, await python("zone", sleeper, { Locality: "area" }));
  await post(`${edge.url}/create`, await python("region", sleeper, { Locality: ["CLOUD"] }));
  for (const node of [near, far]) await knows(node, "region");

  const busy = invoke(edge, { sleep: 4 }, { CanDoOffloading: false }, "anywhere");
  await runs(edge, 1);
  assert.equal(await where(edge, "anywhere"), far.id);
  assert.equal(await where(edge, "region"), far.id);
  // Nothing of the region may wait or run at the edge, not even where a client asks for it.
  assert.equal(await where(near, "region", { CanDoOffloading: false }), "NO_SUITABLE_NODE");
  assert.equal(await where(edge, "region", { Locality: "area" }), "NO_SUITABLE_NODE");
  const kept = await Promise.all([
    where(edge, "here"),
    where(edge, "zone"),
    where(edge, "anywhere", { Locality: "node" }),
    where(edge, "anywhere", { Locality: ["EDGE"] }),
  ]);
  assert.deepEqual(kept, Array(4).fill(edge.id));
  assert.equal((await busy).status, 200);
  for (const node of [edge, near, far]) await becomesIdle(node);
  const ran = (await world.audit()).filter(({ place }) => place === "local");
  assert.deepEqual(
    ran.filter(({ node }) => node === far.id).map((written) => written.function).sort(),
    ["anywhere", "region"],
  );
  assert(!ran.some(({ node }) => node === near.id));
});
