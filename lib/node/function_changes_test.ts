import assert from "node:assert/strict";
import type { FunctionRecord } from "../model/function.ts";
import { FunctionChanges } from "./function_changes.ts";

const version = (Name: string, Version: string) => ({ Name, Version }) as FunctionRecord;

/** A catalog with one function that a test changes. */
function catalogOf(...records: FunctionRecord[]) {
  let listener: ((name: string, record: FunctionRecord | undefined) => void) | undefined;
  return {
    list: () => records,
    onChange(added: typeof listener) {
      listener = added;
      return { [Symbol.dispose]: () => void (listener = undefined) };
    },
    change: (name: string, record?: FunctionRecord) => listener?.(name, record),
  };
}

Deno.test("FunctionChanges: a listener hears of what exists, and of each change with what was before", () => {
  const catalog = catalogOf(version("f", "1"));
  const heard: string[] = [];
  using changes = new FunctionChanges(catalog as never);
  changes.on((name, former, record) => {
    heard.push(`${name}: ${former?.Version ?? "-"} to ${record?.Version ?? "-"}`);
  });
  catalog.change("f", version("f", "2"));
  catalog.change("g", version("g", "1"));
  catalog.change("f");
  assert.deepEqual(heard, ["f: - to 1", "f: 1 to 2", "g: - to 1", "f: 2 to -"]);
});

Deno.test("FunctionChanges: listeners hear in the order in which they were added, until the end", () => {
  const catalog = catalogOf();
  const heard: string[] = [];
  {
    using changes = new FunctionChanges(catalog as never);
    for (const id of ["a", "b"]) changes.on((name) => void heard.push(`${id} ${name}`));
    catalog.change("f", version("f", "1"));
  }
  catalog.change("g", version("g", "1"));
  assert.deepEqual(heard, ["a f", "b f"]);
});
