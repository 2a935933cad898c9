import assert from "node:assert/strict";
import { installation, removal } from "./table.ts";

/** Splits a batch into its messages: type and flags. */
function messages(batch: Uint8Array): [number, number][] {
  const view = new DataView(batch.buffer);
  const found: [number, number][] = [];
  for (let at = 0; at < batch.length; at += view.getUint32(at, true)) {
    found.push([view.getUint16(at + 4, true), view.getUint16(at + 6, true)]);
  }
  return found;
}

const rules = { table: "t", device: "slf0", resolvers: [], ports: [] };

Deno.test("installation: replaces the table in one batch, whose last request is acknowledged", () => {
  const found = messages(installation(rules));
  assert.deepEqual(found.map(([type]) => type), [
    ...[0x10, 0xa00, 0xa02, 0xa00],
    ...[0xa03, 0xa06, 0xa06, 0xa06, 0xa06, 0xa06],
    ...[0xa03, 0xa06, 0xa06],
    ...[0xa00, 0x11],
  ]);
  assert.deepEqual(found.filter(([, flags]) => flags & 4), [[0xa00, 0x405]]);
});

Deno.test("installation: has two rules for each resolver and one for each port, in both chains", () => {
  const more = { resolvers: ["192.0.2.1"], ports: [{ protocol: "tcp", port: 1883 }] } as const;
  const count = (batch: Uint8Array) => messages(batch).filter(([type]) => type === 0xa06).length;
  assert.equal(count(installation({ ...rules, ...more })), count(installation(rules)) + 6);
});

Deno.test("removal: deletes the table whether it exists or not", () => {
  assert.deepEqual(messages(removal("t")).map(([type]) => type), [0x10, 0xa00, 0xa02, 0x11]);
});
