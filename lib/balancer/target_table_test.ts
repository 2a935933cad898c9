import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import type { NodeRecord } from "../model/node.ts";
import { Target, TargetTable } from "./target_table.ts";

function record(id: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id,
    area: "CLOUD",
    role: "node",
    url: `http://10.0.0.1:1323`,
    udp: "",
    architecture: "amd64",
    incarnation: "1",
    ...more,
  };
}

function table() {
  const events: string[] = [];
  const targets = new TargetTable({
    area: "CLOUD",
    replicas: 8,
    clock: new ManualClock(),
    joined: ({ record }) => events.push(`+${record.id}`),
    left: ({ record }) => events.push(`-${record.id}`),
  });
  return { targets, events };
}

Deno.test("only nodes of the area are taken in; what is registered no more goes", () => {
  const { targets, events } = table();
  targets.put(record("b"));
  targets.put(record("a"));
  targets.put(record("edge", { area: "EDGE" }));
  targets.put(record("lb", { role: "balancer" }));
  assert.deepEqual(targets.all.map(({ record }) => record.id), ["a", "b"]);
  assert.equal(targets.ring.size, 2);
  targets.reset([record("b"), record("c")]);
  targets.put(record("b", { area: "EDGE" }));
  assert.deepEqual(targets.all.map(({ record }) => record.id), ["c"]);
  assert.equal(targets.ring.size, 1);
  assert.deepEqual(events, ["+b", "+a", "-a", "+c", "-b"]);
});

Deno.test("a node that has started anew is another: nothing is known of it, and its requests are lost", () => {
  const { targets, events } = table();
  targets.put(record("a"));
  const former = targets.get("a")!;
  former.failed("it accepts no connection");
  const passage = former.begin({ memoryMib: 1, cpu: 0 });
  targets.put(record("a"));
  assert.equal(targets.get("a"), former);
  targets.put(record("a", { incarnation: "2" }));
  assert.ok(targets.get("a")!.isHealthy);
  assert.ok(passage.lost.aborted);
  assert.deepEqual(events, ["+a", "-a", "+a"]);
});

Deno.test("one failure ends a node's use, one good check begins it again", () => {
  const target = new Target(record("a"), new ManualClock());
  target.failed("it accepts no connection");
  assert.deepEqual([target.isHealthy, target.problem], [false, "it accepts no connection"]);
  target.passed();
  assert.ok(target.isHealthy);
});

Deno.test("requests under way are given up when a node is silent for several checks in a row", () => {
  const target = new Target(record("a"), new ManualClock());
  using passage = target.begin({ memoryMib: 0, cpu: 0 });
  for (let round = 0; round < 3; round++) {
    target.failedCheck("it does not answer");
    target.failedCheck("it does not answer");
    target.passed();
  }
  target.failedCheck("it does not answer");
  target.failedCheck("it does not answer");
  assert.ok(!passage.lost.aborted);
  target.failedCheck("it does not answer");
  assert.ok(passage.lost.aborted);
  using later = target.begin({ memoryMib: 0, cpu: 0 });
  assert.ok(!later.lost.aborted);
});

Deno.test("what is sent counts against what was told, until the node tells anew", () => {
  const clock = new ManualClock();
  const target = new Target(record("a"), clock);
  const demand = { memoryMib: 400, cpu: 1 };
  assert.ok(target.hasRoom(demand)); // nothing was told yet
  assert.equal(target.memoryUse, 0);
  target.told({ freeMemoryMib: 1000, freeCpu: 4 }, { totalMemoryMib: 2000, totalCpu: 4 });
  const [one, two] = [target.begin(demand), target.begin(demand)];
  assert.deepEqual(target.free, { freeMemoryMib: 200, freeCpu: 2 });
  assert.ok(!target.hasRoom(demand));
  assert.equal(target.memoryUse, 0.9);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.deepEqual([target.inFlight, target.free.freeMemoryMib], [1, 600]);
  clock.advance(50);
  target.told({ freeMemoryMib: 700, freeCpu: 3 });
  two[Symbol.dispose]();
  // The news was of after it began: it is not given back twice.
  assert.deepEqual([target.inFlight, target.free.freeMemoryMib], [0, 700]);
  assert.equal(target.ageMs, 0);
});
