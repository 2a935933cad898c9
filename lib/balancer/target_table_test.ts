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
    onJoin: ({ record }) => events.push(`+${record.id}`),
    onLeave: ({ record }) => events.push(`-${record.id}`),
  });
  return { targets, events };
}

Deno.test("TargetTable: contains the registered nodes of its area only", () => {
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

Deno.test("TargetTable: a restarted node starts clean, and its requests fail", () => {
  const { targets, events } = table();
  targets.put(record("a"));
  const former = targets.get("a")!;
  former.markUnhealthy("it does not accept connections");
  const proxied = former.startRequest({ memoryMib: 1, cpu: 0 });
  targets.put(record("a"));
  assert.equal(targets.get("a"), former);
  targets.put(record("a", { incarnation: "2" }));
  assert.ok(targets.get("a")!.isHealthy);
  assert.ok(proxied.lost.aborted);
  assert.deepEqual(events, ["+a", "-a", "+a"]);
});

Deno.test("Target: is unhealthy after one failure, and healthy after one successful check", () => {
  const target = new Target(record("a"), new ManualClock());
  target.markUnhealthy("it does not accept connections");
  assert.deepEqual([target.isHealthy, target.problem], [false, "it does not accept connections"]);
  target.checkPassed();
  assert.ok(target.isHealthy);
});

Deno.test("Target: requests in flight fail after several checks without a response", () => {
  const target = new Target(record("a"), new ManualClock());
  using proxied = target.startRequest({ memoryMib: 0, cpu: 0 });
  for (let round = 0; round < 3; round++) {
    target.checkFailed("it does not answer");
    target.checkFailed("it does not answer");
    target.checkPassed();
  }
  target.checkFailed("it does not answer");
  target.checkFailed("it does not answer");
  assert.ok(!proxied.lost.aborted);
  target.checkFailed("it does not answer");
  assert.ok(proxied.lost.aborted);
  using later = target.startRequest({ memoryMib: 0, cpu: 0 });
  assert.ok(!later.lost.aborted);
});

Deno.test("Target: requests reduce its free resources until its next report", () => {
  const clock = new ManualClock();
  const target = new Target(record("a"), clock);
  const demand = { memoryMib: 400, cpu: 1 };
  assert.ok(target.fits(demand)); // no report yet
  assert.equal(target.memoryUse, 0);
  target.updateResources({ freeMemoryMib: 1000, freeCpu: 4 }, {
    totalMemoryMib: 2000,
    totalCpu: 4,
  });
  const [one, two] = [target.startRequest(demand), target.startRequest(demand)];
  assert.deepEqual(target.free, { freeMemoryMib: 200, freeCpu: 2 });
  assert.ok(!target.fits(demand));
  assert.equal(target.memoryUse, 0.9);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.deepEqual([target.inFlight, target.free.freeMemoryMib], [1, 600]);
  clock.advance(50);
  target.updateResources({ freeMemoryMib: 700, freeCpu: 3 });
  two[Symbol.dispose]();
  // The report came after the request began: its resources are not released twice.
  assert.deepEqual([target.inFlight, target.free.freeMemoryMib], [0, 700]);
  assert.equal(target.ageMs, 0);
});
