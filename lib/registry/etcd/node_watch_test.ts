import assert from "node:assert/strict";
import { FakeEtcd } from "../../../tests/support/fakes/fake_etcd.ts";
import { ManualClock } from "../../base/clock.ts";
import { nodeNames, type NodeRecord } from "../../model/node.ts";
import type { NodeObserver } from "../registry.ts";
import { nodesPrefix } from "./keys.ts";
import { NodeWatch } from "./node_watch.ts";

/** Time for which missing nodes stay known, ms: the lifetime of a lease and some seconds. */
const graceMs = 15_000;

function recordOf(id: string): NodeRecord {
  const url = "http://127.0.0.1:1323";
  const rest = { role: "node", udp: "127.0.0.1:9876", architecture: "amd64" } as const;
  return { id, area: "ROME", url, incarnation: `${id}-1`, ...rest };
}

function stored(id: string): string {
  return JSON.stringify(nodeNames.toWire(recordOf(id)));
}

/** Records what a watch reports, one line for each event. */
class Events implements NodeObserver {
  readonly lines: string[] = [];

  reset(records: NodeRecord[]): void {
    this.lines.push(`reset ${records.map(({ id }) => id).join(" ")}`);
  }
  put({ id }: NodeRecord): void {
    this.lines.push(`put ${id}`);
  }
  remove(id: string): void {
    this.lines.push(`remove ${id}`);
  }
}

/** A watch of an etcd with some nodes after its first listing, with its clock and its events. */
async function follow(...ids: string[]) {
  const etcd = new FakeEtcd(nodesPrefix);
  for (const id of ids) etcd.write(id, stored(id));
  const clock = new ManualClock();
  const opened = etcd.opened();
  const watch = new NodeWatch(etcd.client, clock);
  const events = new Events();
  watch.observe(events);
  await opened;
  const dispose = () => watch[Symbol.asyncDispose]();
  return { etcd, clock, watch, events, [Symbol.asyncDispose]: dispose };
}

/** Loses what an etcd holds without a change in its streams, and lists it again. */
async function lose(etcd: FakeEtcd, watch: NodeWatch, ...ids: string[]): Promise<void> {
  etcd.delivers = false;
  for (const id of ids) etcd.write(id, undefined);
  etcd.delivers = true;
  const again = etcd.opened();
  watch.startOver("the test says so");
  await again;
}

Deno.test("NodeWatch: nodes register and leave, are reported", async () => {
  await using followed = await follow("a");
  const { etcd, events } = followed;
  etcd.write("b", stored("b"));
  etcd.write("c", stored("someone else"));
  etcd.write("d", "no JSON");
  etcd.write("a", undefined);
  etcd.write("c", undefined);
  assert.deepEqual(events.lines, ["reset ", "reset a", "put b", "remove a"]);
});

Deno.test("NodeWatch: nodes missing after an outage, stay known for the grace period", async () => {
  await using followed = await follow("a", "b");
  const { etcd, clock, watch, events } = followed;
  await lose(etcd, watch, "a", "b");
  assert.equal(events.lines.at(-1), "reset a b");
  clock.advance(graceMs - 1);
  etcd.write("b", stored("b"));
  clock.advance(1);
  assert.deepEqual(events.lines.slice(-2), ["put b", "remove a"]);
});

Deno.test("NodeWatch: a second outage within the grace period, does not extend it", async () => {
  await using followed = await follow("a");
  const { etcd, clock, watch, events } = followed;
  await lose(etcd, watch, "a");
  clock.advance(graceMs - 1);
  await lose(etcd, watch);
  assert.equal(events.lines.at(-1), "reset a");
  clock.advance(1);
  await watch.checkProgress();
  assert.equal(events.lines.at(-1), "remove a");
});

Deno.test("NodeWatch: etcd has not responded yet, reports the nodes of the last run", async () => {
  const etcd = new FakeEtcd(nodesPrefix);
  etcd.write("a", stored("a"));
  const opened = etcd.opened();
  const kept: string[][] = [];
  const memory = {
    read: () => [recordOf("a"), recordOf("old")],
    keep: (records: readonly NodeRecord[]) => void kept.push(records.map(({ id }) => id)),
  };
  await using watch = new NodeWatch(etcd.client, new ManualClock(), memory);
  const events = new Events();
  watch.observe(events);
  assert.deepEqual(events.lines, ["reset a old"]);
  await opened;
  assert.deepEqual(events.lines.slice(1), ["reset a old"]);
  assert.deepEqual(kept.at(-1), ["a", "old"]);
});
