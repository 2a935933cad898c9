import assert from "node:assert/strict";
import { hash32 } from "./hash.ts";
import { HashRing } from "./hash_ring.ts";

const ids = (count: number) => Array.from({ length: count }, (_, k) => `node-${k}`);
const keys = Array.from({ length: 2000 }, (_, k) => `function-${k}`);
const owner = (ring: HashRing, key: string) => ring.walk(key).next().value as string;

Deno.test("hash32: similar texts are spread over all 32 bits", () => {
  const buckets = new Map<number, number>();
  const count = 64_000;
  for (let k = 0; k < count; k++) {
    const hash = hash32(`node-1#${k}`);
    assert.ok(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32);
    for (const bucket of [hash >>> 26, 64 + (hash & 63)]) {
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
  }
  assert.equal(buckets.size, 128);
  // A bucket holds 1000 in the mean, with a standard deviation of 32.
  for (const inBucket of buckets.values()) assert.ok(Math.abs(inBucket - 1000) < 5 * 32);
  assert.equal(hash32("function-1"), hash32("function-1"));
});

Deno.test("HashRing: walk visits each node once, whatever their order at construction", () => {
  const one = new HashRing(ids(7), 32);
  const other = new HashRing(ids(7).reverse(), 32);
  for (const key of keys.slice(0, 50)) {
    const walk = [...one.walk(key)];
    assert.deepEqual(walk.toSorted(), ids(7));
    assert.deepEqual([...other.walk(key)], walk);
  }
  assert.deepEqual([...new HashRing([], 32).walk("f")], []);
});

Deno.test("HashRing: nodes get even shares of the keys", () => {
  const ring = new HashRing(ids(10), 128);
  const shares = new Map<string, number>();
  for (const key of keys) shares.set(owner(ring, key), (shares.get(owner(ring, key)) ?? 0) + 1);
  assert.equal(shares.size, 10);
  for (const share of shares.values()) assert.ok(share > 100 && share < 320, `share ${share}`);
});

Deno.test("HashRing: a joining node only takes keys, and moves no others", () => {
  const before = new HashRing(ids(10), 128);
  const after = new HashRing(ids(11), 128);
  const moved = keys.filter((key) => owner(before, key) !== owner(after, key));
  for (const key of moved) assert.equal(owner(after, key), "node-10");
  // A fair share would be an eleventh.
  assert.ok(moved.length > keys.length / 25 && moved.length < keys.length / 5);
});

Deno.test("HashRing: a walk over a subset equals the full walk without the others", () => {
  const all = new HashRing(ids(10), 64);
  const few = new HashRing(["node-2", "node-5", "node-9"], 64);
  for (const key of keys.slice(0, 200)) {
    const walked = [...all.walk(key)].filter((id) => ["node-2", "node-5", "node-9"].includes(id));
    assert.deepEqual(walked, [...few.walk(key)]);
  }
});
