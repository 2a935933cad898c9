import assert from "node:assert/strict";
import type { ServerledgeError } from "../../../base/errors.ts";
import { DiskMonitor, type DiskSpace } from "./disk_monitor.ts";

const mib = 1 << 20;
const total = 100_000 * mib;

/** Creates a monitor with a limit of 1,000 MiB. The test sets the disk and the containers. */
function lab(limitMib = 1_000) {
  const disk: { space: DiskSpace | undefined; nowMs: number } = {
    space: { free: 50_000 * mib, total },
    nowMs: 0,
  };
  const asked: string[] = [];
  const ended: Record<string, string> = {};
  const sizes: Record<string, number> = {};
  const watch = new DiskMonitor({
    limitMib,
    space: () => Promise.resolve(disk.space),
    now: () => disk.nowMs,
  });
  const add = (name: string, sizeMib: number) => {
    sizes[name] = sizeMib;
    return watch.watch({
      name,
      size: () => {
        asked.push(name);
        return Promise.resolve(sizes[name]! * mib);
      },
      end: (reason: ServerledgeError) => void (ended[name] = reason.message),
    });
  };
  return {
    disk,
    asked,
    ended,
    sizes,
    watch,
    add,
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

Deno.test("DiskMonitor: requests sizes after the free space has shrunk or half a minute", async () => {
  await using world = lab();
  world.add("a", 1);
  await world.watch.look();
  assert.equal(world.asked.length, 1, "the first time");
  world.disk.nowMs = 1_000;
  await world.watch.look();
  assert.equal(world.asked.length, 1);
  world.disk.space = { free: 49_870 * mib, total };
  await world.watch.look();
  assert.equal(world.asked.length, 2, "130 MiB are gone");
  await world.watch.look();
  assert.equal(world.asked.length, 2);
  world.disk.nowMs = 40_000;
  await world.watch.look();
  assert.equal(world.asked.length, 3, "time has passed");
});

Deno.test("DiskMonitor: ends only containers that wrote more than the limit", async () => {
  await using world = lab();
  world.add("greedy", 1_200);
  world.add("modest", 900);
  await world.watch.look();
  assert.deepEqual(Object.keys(world.ended), ["greedy"]);
  assert.match(world.ended.greedy!, /written 1200 MiB .* 1000 MiB of container\.disk/);
});

Deno.test("DiskMonitor: a low disk ends containers that wrote most, but none that wrote little", async () => {
  await using world = lab();
  world.add("most", 500);
  world.add("some", 300);
  world.add("little", 10);
  world.disk.space = { free: 900 * mib, total };
  for (let count = 0; count < 4; count++) await world.watch.look();
  assert.deepEqual(Object.keys(world.ended), ["most", "some"]);
  assert.match(world.ended.most!, /only 900 MiB left/);
});

Deno.test("DiskMonitor: a small disk runs low at a twentieth of its size", async () => {
  await using world = lab();
  world.add("some", 300);
  world.disk.space = { free: 600 * mib, total: 8_000 * mib };
  await world.watch.look();
  assert.deepEqual(world.ended, {});
});

Deno.test("DiskMonitor: without a limit, ends containers only if the disk runs low", async () => {
  await using world = lab(0);
  world.add("greedy", 30_000);
  await world.watch.look();
  assert.deepEqual(world.ended, {});
});

Deno.test("DiskMonitor: requests sizes every 10 s if the disk's space is unknown", async () => {
  await using world = lab();
  world.disk.space = undefined;
  world.add("a", 1);
  for (world.disk.nowMs = 0; world.disk.nowMs < 30_000; world.disk.nowMs += 1_000) {
    await world.watch.look();
  }
  assert.equal(world.asked.length, 3);
});

Deno.test("DiskMonitor: does not end a container that is no longer monitored", async () => {
  await using world = lab();
  world.add("gone", 1_200)[Symbol.dispose]();
  await world.watch.look();
  assert.deepEqual(world.ended, {});
});
