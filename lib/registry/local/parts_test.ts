import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Parts, partsTable } from "./parts.ts";

function world() {
  const database = new DatabaseSync(":memory:");
  database.exec(partsTable);
  return {
    database,
    parts: new Parts(database),
    [Symbol.dispose]: () => database.close(),
  };
}

const sample = (length: number) => Uint8Array.from({ length }, (_, at) => at * 31 % 251);

Deno.test("Parts: a value of any length is read back unchanged", async () => {
  using world_ = world();
  for (const length of [0, 1, 256 << 10, (256 << 10) + 1, 1_000_003]) {
    await world_.parts.write(`v-${length}`, sample(length));
    assert.deepEqual(await world_.parts.read(`v-${length}`), sample(length), `${length} bytes`);
  }
});

Deno.test("Parts: an unknown owner has an empty value, one that lost a part has none", async () => {
  using world_ = world();
  const { parts, database } = world_;
  assert.deepEqual(await parts.read("nobody"), new Uint8Array());
  await parts.write("a", sample(600_000));
  database.exec("DELETE FROM parts WHERE owner = 'a' AND at = 262144");
  assert.equal(await parts.read("a"), undefined);
});

Deno.test("Parts: remove deletes all parts of one owner and none of another", async () => {
  using world_ = world();
  const { parts } = world_;
  await parts.write("a", sample(600_000));
  await parts.write("b", sample(300_000));
  assert.deepEqual(parts.owners().sort(), ["a", "b"]);
  await parts.remove("a");
  assert.deepEqual(parts.owners(), ["b"]);
  assert.deepEqual(await parts.read("b"), sample(300_000));
});

Deno.test("Parts: remove stops as soon as the value is wanted", async () => {
  using world_ = world();
  const { parts } = world_;
  await parts.write("a", sample(600_000));
  await parts.remove("a", () => true);
  assert.deepEqual(await parts.read("a"), sample(600_000));
});
