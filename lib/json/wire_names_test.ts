import assert from "node:assert/strict";
import * as v from "valibot";
import { wireNames } from "./wire_names.ts";

const schema = v.object({
  Name: v.string(),
  MemoryMB: v.pipe(v.number(), v.integer()),
  Http: v.optional(v.string()),
});
const { fromWire, toWire } = wireNames(schema, { MemoryMB: "memoryMib" });

Deno.test("wireNames: renames a record in both directions, missing fields stay missing", () => {
  const record = fromWire({ MemoryMB: 64, Name: "f" });
  assert.deepEqual(record, { name: "f", memoryMib: 64 });
  assert.equal(JSON.stringify(toWire(record)), '{"Name":"f","MemoryMB":64}');
});

Deno.test("wireNames: omits a field that is not in the schema", () => {
  const record = { name: "f", memoryMib: 64, note: "inside only" };
  assert.deepEqual(toWire(record), { Name: "f", MemoryMB: 64 });
});

Deno.test("wireNames: renames fields in objects and lists, but not keys of dictionaries", () => {
  const nested = wireNames(
    v.object({
      Idle: v.record(v.string(), v.number()),
      Place: v.nullable(v.object({ Vec: v.array(v.number()) })),
      Pulls: v.pipe(v.array(v.object({ Image: v.string() })), v.maxLength(9)),
    }),
    { Vec: "vector" },
  );
  const wire = { Idle: { F: 1 }, Place: { Vec: [1, 2] }, Pulls: [{ Image: "a" }, { Image: "b" }] };
  const record = nested.fromWire(wire);
  assert.deepEqual(record, {
    idle: { F: 1 },
    place: { vector: [1, 2] },
    pulls: [{ image: "a" }, { image: "b" }],
  });
  assert.deepEqual(nested.toWire(record), wire);
  assert.deepEqual(nested.toWire({ ...record, place: null }), { ...wire, Place: null });
});
