import assert from "node:assert/strict";
import type { FunctionRecord } from "../../model/function.ts";
import type { CatalogListener } from "../catalog.ts";
import { CodeReferences } from "./references.ts";

const record = (name: string, codeHash: string) => ({ name, codeHash }) as FunctionRecord;

/** A catalog controlled by the test. */
function catalog(known: readonly FunctionRecord[]) {
  const functions = new Map(known.map((fn) => [fn.name, fn]));
  let tell: CatalogListener = () => {};
  return {
    isComplete: true,
    follow: (listener: CatalogListener) => {
      tell = listener;
      for (const [name, fn] of functions) tell(name, fn, undefined);
      return { [Symbol.dispose]: () => void (tell = () => {}) };
    },
    put: (fn: FunctionRecord) => {
      tell(fn.name, fn, functions.get(fn.name));
      functions.set(fn.name, fn);
    },
    remove: (name: string) => {
      tell(name, undefined, functions.get(name));
      functions.delete(name);
    },
  };
}

Deno.test("CodeReferences: code is unreferenced when its last function has other code or is gone", () => {
  const functions = catalog([record("a", "one"), record("b", "one"), record("image", "")]);
  using references = new CodeReferences(functions);
  const gone: string[] = [];
  references.onUnreferenced((hash) => gone.push(hash));
  functions.put(record("a", "two"));
  functions.put(record("b", "one"));
  assert.deepEqual([gone, references.has("one")], [[], true]);
  functions.remove("b");
  assert.deepEqual([gone, references.has("one"), references.has("two")], [["one"], false, true]);
  functions.put(record("a", ""));
  functions.remove("image");
  functions.remove("nobody");
  assert.deepEqual([gone, references.has("two")], [["one", "two"], false]);
});

Deno.test("CodeReferences: any code counts as referenced until all functions are known", () => {
  const functions = catalog([]);
  using references = new CodeReferences(functions);
  functions.isComplete = false;
  assert.equal(references.has("one"), true);
  functions.isComplete = true;
  assert.equal(references.has("one"), false);
});
