import assert from "node:assert/strict";
import { noteKind } from "../../tests/contract/registry.ts";
import { openSqlite } from "./local/registry.ts";
import { RecordTable } from "./record_table.ts";
import type { Registry } from "./registry.ts";

/** A registry that does not respond. */
const silent = {
  collection: () => ({ watch: () => Promise.resolve({ [Symbol.dispose]: () => {} }) }),
} as unknown as Registry;

Deno.test("RecordTable: follows a collection and reports each change", async () => {
  await using registry = openSqlite(":memory:");
  const notes = registry.collection(noteKind);
  await notes.put({ id: "b", text: "1" });
  using table = await RecordTable.open(noteKind, registry);
  let changes = 0;
  using _ = table.onChange(() => changes++);
  await notes.put({ id: "a", text: "2" });
  assert.deepEqual(table.list().map(({ id }) => id), ["a", "b"]);
  await notes.delete("b");
  assert.deepEqual([table.size, table.get("a")?.text, table.get("b")], [1, "2", undefined]);
  assert.equal(changes, 2);
});

Deno.test("RecordTable: starts with the last known records if the registry does not respond", async () => {
  await using registry = openSqlite(":memory:");
  await using memory = openSqlite(":memory:");
  const notes = registry.collection(noteKind);
  {
    using _table = await RecordTable.open(noteKind, registry, memory);
    await notes.put({ id: "a", text: "1" });
    await notes.put({ id: "b", text: "2" });
    await notes.delete("a");
  }
  using offline = await RecordTable.open(noteKind, silent, memory);
  assert.deepEqual(offline.list(), [{ id: "b", text: "2" }]);
});

Deno.test("RecordTable: forgets records that disappeared while the registry did not respond", async () => {
  await using registry = openSqlite(":memory:");
  await using memory = openSqlite(":memory:");
  await memory.collection(noteKind).put({ id: "revoked", text: "" });
  using table = await RecordTable.open(noteKind, registry, memory);
  assert.equal(table.size, 0);
  using offline = await RecordTable.open(noteKind, silent, memory);
  assert.equal(offline.size, 0);
});

Deno.test("RecordTable: counts unreadable records, and keeps their last readable copies on disk", async () => {
  await using registry = openSqlite(":memory:");
  await using memory = openSqlite(":memory:");
  const notes = registry.collection(noteKind);
  for (const id of ["a", "b"]) await notes.put({ id, text: "1" });
  {
    using _table = await RecordTable.open(noteKind, registry, memory);
  }
  await notes.put({ id: "a", text: 1 } as never);
  {
    using table = await RecordTable.open(noteKind, registry, memory);
    assert.deepEqual([table.size, table.damaged.map(({ id }) => id)], [2, ["a"]]);
    assert.deepEqual(table.list(), [{ id: "b", text: "1" }]);
  }
  using offline = await RecordTable.open(noteKind, silent, memory);
  assert.equal(offline.size, 2);
});

Deno.test("RecordTable: writes only changed records to the disk", async () => {
  await using registry = openSqlite(":memory:");
  await using memory = openSqlite(":memory:");
  const notes = registry.collection(noteKind);
  for (const id of ["a", "b"]) await notes.put({ id, text: "1" });
  const kept = memory.collection(noteKind);
  const writes: string[] = [];
  using _ = await kept.watch({
    reset: () => {},
    put: ({ id }) => void writes.push(id),
    damage: () => {},
    remove: (id) => void writes.push(`-${id}`),
  });
  {
    using _table = await RecordTable.open(noteKind, registry, memory);
    await notes.put({ id: "b", text: "2" });
  }
  await notes.put({ id: "b", text: "3" });
  using _table = await RecordTable.open(noteKind, registry, memory);
  assert.deepEqual(writes, ["a", "b", "b", "b"]);
});
