import assert from "node:assert/strict";
import { connectionsFor, instancesFor, readDescriptorLimit } from "./descriptors.ts";

Deno.test("readDescriptorLimit: reads numbers, and `unlimited` as Infinity", () => {
  const text = (soft: string, hard: string) =>
    `Limit   Soft Limit  Hard Limit  Units\nMax processes  7  8  processes\nMax open files  ${soft}  ${hard}  files\n`;
  assert.deepEqual(readDescriptorLimit(text("1024", "20000")), { soft: 1024, hard: 20_000 });
  assert.deepEqual(readDescriptorLimit(text("1024", "unlimited")), { soft: 1024, hard: Infinity });
});

Deno.test("connectionsFor: keeps a reserve, but returns at least a few connections", () => {
  assert.equal(connectionsFor(1024, 24), 750);
  assert.equal(connectionsFor(64, 30), 18);
  assert.equal(connectionsFor(1 << 20, 76), ((1 << 20) - 76) * 3 / 4);
  assert.equal(connectionsFor(1024, 24, 2), 375);
  assert.equal(connectionsFor(32, 40), 4);
});

Deno.test("instancesFor: divides the reserve less the descriptors of a start, at least one", () => {
  assert.equal(instancesFor(1024, 24), 48);
  assert.equal(instancesFor(64, 30), 2);
  assert.equal(instancesFor(32, 40), 2);
  assert.equal(instancesFor(Infinity, 40), Infinity);
});
