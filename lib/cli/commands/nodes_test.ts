import assert from "node:assert/strict";
import type { MemberView } from "../../cluster/members.ts";
import { nodeTable } from "./nodes.ts";

const self: MemberView = {
  Id: "a",
  Area: "EDGE",
  Role: "node",
  Url: "http://10.0.0.5:1323",
  Architecture: "amd64",
  Self: true,
  Reachable: true,
  IsCloudTarget: false,
  RttMs: 0,
  AgeMs: 0,
  AvailableMemory: 512,
  TotalMemory: 1024,
  FreeCPU: 2,
  QueueLength: 0,
  Running: 3,
  Coordinates: null,
  Problem: null,
};

const unknown = {
  RttMs: null,
  AgeMs: null,
  AvailableMemory: null,
  TotalMemory: null,
  FreeCPU: null,
  QueueLength: null,
  Running: null,
} as const;

const stateOf = (member: Partial<MemberView>) => {
  const [, line] = tableOf({ ...self, Self: false, ...member });
  return line!.split(/ {2,}/).at(-1);
};

/** The lines of the table, without the title above it. */
const tableOf = (...members: MemberView[]) =>
  nodeTable({ Node: "a", Nodes: members }, { colour: false }).split("\n").slice(2);

Deno.test("a member's line tells where it is, how far, and how busy", () => {
  const peer = { ...self, Id: "b", Self: false, RttMs: 1.5, AgeMs: 2100, Url: "http://b:1" };
  const lines = tableOf(self, peer);
  const cells = lines.map((line) => line.split(/ {2,}/));
  assert.deepEqual(cells[1]!.slice(0, 8), [
    "EDGE",
    "a",
    "node",
    "amd64",
    "-",
    "512 of 1024 MiB",
    "3",
    "0",
  ]);
  assert.deepEqual(cells[2]!.slice(4), [
    "1.50 ms",
    "512 of 1024 MiB",
    "3",
    "0",
    "2.1 s",
    "http://b:1",
    "reachable",
  ]);
});

Deno.test("the state of a member tells what can be done with it", () => {
  assert.equal(stateOf({ Self: true }), "itself");
  assert.equal(stateOf({ Reachable: false }), "unreachable");
  assert.equal(stateOf(unknown), "not heard yet");
  assert.equal(stateOf({ ...unknown, Role: "balancer" }), "not asked");
  assert.equal(stateOf({ ...unknown, Role: "balancer", IsCloudTarget: true }), "not heard yet");
  assert.equal(stateOf({ IsCloudTarget: true, Role: "balancer" }), "reachable, cloud target");
});

Deno.test("a note is shown where there is something to say, and only then", () => {
  const other = { ...self, Id: "b", Self: false, Problem: "its clock is 40 s ahead" };
  const lines = tableOf(self, other);
  assert.match(lines[0]!, /STATE +NOTE$/);
  assert.match(lines[2]!, /reachable +its clock is 40 s ahead$/);
  assert.doesNotMatch(tableOf(self).join("\n"), /NOTE/);
});

Deno.test("the node that sees the others so is named, which a balancer has chosen", () => {
  assert.match(
    nodeTable({ Node: "cloud-2", Nodes: [self] }, { colour: false }),
    /^As node cloud-2 sees them:\n\nAREA/,
  );
});

Deno.test("a node without others says how to get some", () => {
  assert.match(nodeTable({ Node: "a", Nodes: [] }, { colour: false }), /share an etcd/);
});
