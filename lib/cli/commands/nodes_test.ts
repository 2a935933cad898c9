import assert from "node:assert/strict";
import { memberNames, type MemberView } from "../../cluster/members.ts";
import { nodeTable } from "./nodes.ts";

const self: MemberView = {
  id: "a",
  area: "EDGE",
  role: "node",
  url: "http://10.0.0.5:1323",
  architecture: "amd64",
  self: true,
  reachable: true,
  isCloudTarget: false,
  rttMs: 0,
  ageMs: 0,
  availableMemoryMib: 512,
  totalMemoryMib: 1024,
  freeCpu: 2,
  queueLength: 0,
  running: 3,
  coordinates: null,
  problem: null,
};

const unknown = {
  rttMs: null,
  ageMs: null,
  availableMemoryMib: null,
  totalMemoryMib: null,
  freeCpu: null,
  queueLength: null,
  running: null,
} as const;

const stateOf = (member: Partial<MemberView>) => {
  const [, line] = tableOf({ ...self, self: false, ...member });
  return line!.split(/ {2,}/).at(-1);
};

/** Returns the lines of the table without the title. */
const tableOf = (...members: MemberView[]) =>
  nodeTable({ Node: "a", Nodes: members.map(memberNames.toWire) }, { colour: false }).split("\n")
    .slice(2);

Deno.test("nodeTable: a row shows where a member is, its distance and its load", () => {
  const peer = { ...self, id: "b", self: false, rttMs: 1.5, ageMs: 2100, url: "http://b:1" };
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

Deno.test("stateOf: describes whether a member can be used", () => {
  assert.equal(stateOf({ self: true }), "itself");
  assert.equal(stateOf({ reachable: false }), "unreachable");
  assert.equal(stateOf(unknown), "no status yet");
  assert.equal(stateOf({ ...unknown, role: "balancer" }), "not asked");
  assert.equal(stateOf({ ...unknown, role: "balancer", isCloudTarget: true }), "no status yet");
  assert.equal(stateOf({ isCloudTarget: true, role: "balancer" }), "reachable, cloud target");
});

Deno.test("nodeTable: shows a note only if there is something to report", () => {
  const other = { ...self, id: "b", self: false, problem: "its clock is 40 s ahead" };
  const lines = tableOf(self, other);
  assert.match(lines[0]!, /STATE +NOTE$/);
  assert.match(lines[2]!, /reachable +its clock is 40 s ahead$/);
  assert.doesNotMatch(tableOf(self).join("\n"), /NOTE/);
});

Deno.test("nodeTable: names the node whose view is shown, which a balancer may have chosen", () => {
  assert.match(
    nodeTable({ Node: "cloud-2", Nodes: [memberNames.toWire(self)] }, { colour: false }),
    /^View of node cloud-2:\n\nAREA/,
  );
});

Deno.test("nodeTable: without other nodes, says how to add some", () => {
  assert.match(nodeTable({ Node: "a", Nodes: [] }, { colour: false }), /share an etcd/);
});
