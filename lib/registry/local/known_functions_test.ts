import assert from "node:assert/strict";
import { sampleRecord } from "../../../tests/contract/registry.ts";
import type { Catalog } from "../catalog.ts";
import { openRemembering } from "./known_functions.ts";
import { openSqlite } from "./registry.ts";

const away = {
  watchFunctions: () => Promise.resolve({ [Symbol.dispose]: () => {} }),
};
const versions = (catalog: Catalog) => catalog.list().map(({ version }) => version);

Deno.test("openRemembering: serves the last known functions while the registry is unavailable", async () => {
  await using memory = openSqlite(":memory:");
  await using registry = openSqlite(":memory:");
  for (const name of ["a", "b", "c"]) await registry.createFunction(sampleRecord(name));
  {
    using catalog = await openRemembering(registry, memory);
    assert.equal(catalog.size, 3);
    await registry.deleteFunction("a");
    await registry.putFunction(sampleRecord("b", { version: "b-2" }));
  }
  {
    using catalog = await openRemembering(away, memory);
    assert.deepEqual(versions(catalog), ["b-2", "c-1"]);
  }
  // Changes made in the meantime are applied.
  await registry.deleteFunction("c");
  await registry.createFunction(sampleRecord("d"));
  (await openRemembering(registry, memory))[Symbol.dispose]();
  using catalog = await openRemembering(away, memory);
  assert.deepEqual(versions(catalog), ["b-2", "d-1"]);
});
