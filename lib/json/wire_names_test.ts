import assert from "node:assert/strict";
import { fromWire, toWire } from "./wire_names.ts";

const names = { Name: "name", MemoryMB: "memoryMib", Http: "http" } as const;

Deno.test("wire names: a record is renamed there and back, and what it lacks stays absent", () => {
  const wire: { Name: string; MemoryMB: number; Http?: string } = { MemoryMB: 64, Name: "f" };
  const record = fromWire(wire, names);
  assert.deepEqual(record, { name: "f", memoryMib: 64 });
  assert.equal(JSON.stringify(toWire(record, names)), '{"Name":"f","MemoryMB":64}');
});

Deno.test("wire names: a field without a name on the wire is left out", () => {
  const record = { name: "f", memoryMib: 64, note: "inside only" };
  assert.deepEqual(
    toWire<{ Name: string; MemoryMB: number; Http?: string }, typeof names>(record, names),
    {
      Name: "f",
      MemoryMB: 64,
    },
  );
});
