import assert from "node:assert/strict";
import { endOf, pendingPrefix, pinKey, pinsOf, resultKey } from "../keys.ts";
import { absent, below, bufferOf, noneBelow, put, unwrittenSince } from "./requests.ts";

const inRange = (prefix: string, key: string) => {
  const { key: from, range_end: to } = below(prefix);
  return from.compare(bufferOf(key)) <= 0 && bufferOf(key).compare(to) < 0;
};

Deno.test("below: covers each key with the prefix and no other", () => {
  const prefix = pinsOf("abc");
  for (const key of [prefix, pinKey("abc", "x"), `${prefix}\uffff`, `${prefix}a/b`]) {
    assert.equal(inRange(prefix, key), true, key);
  }
  for (const key of [pinsOf("abcd"), pinsOf("ab"), endOf(prefix), prefix.slice(0, -1)]) {
    assert.equal(inRange(prefix, key), false, key);
  }
});

Deno.test("keys: a result and its pending entry have different keys", () => {
  assert.equal(inRange(pendingPrefix, resultKey("f-1")), false);
  assert.equal(inRange(pendingPrefix, `${pendingPrefix}f-1`), true);
});

Deno.test("bufferOf: bytes are not copied, and a subarray keeps its bounds", () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const part = bufferOf(bytes.subarray(1, 3));
  assert.deepEqual([...part], [2, 3]);
  bytes[1] = 9;
  assert.equal(part[0], 9);
  assert.equal(bufferOf("ü").toString(), "ü");
});

Deno.test("conditions: absent compares the creation with 0, unwrittenSince the last write", () => {
  assert.deepEqual(absent("k"), {
    key: bufferOf("k"),
    target: "Create",
    result: "Equal",
    create_revision: "0",
  });
  const { range_end, create_revision } = noneBelow("a/") as Record<string, unknown>;
  assert.deepEqual([String(range_end), create_revision], ["a0", "0"]);
  const { result, mod_revision } = unwrittenSince("a/", 41) as Record<string, unknown>;
  assert.deepEqual([result, mod_revision], ["Less", "42"]);
});

Deno.test("put: contains a lease only if one is given", () => {
  const fields = (lease?: string) => Object.keys(put("k", "v", lease).request_put!);
  assert.deepEqual(fields(), ["key", "value"]);
  assert.deepEqual(fields("7"), ["key", "value", "lease"]);
});
