import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { sampleRecord } from "../../tests/contract/registry.ts";
import { Catalog } from "./catalog.ts";
import type { FunctionObserver } from "./registry.ts";
import { openSqlite } from "./local/registry.ts";

/** A watch whose news the test makes. */
class Watch {
  observer!: FunctionObserver;
  disposed = false;

  watchFunctions(observer: FunctionObserver): Promise<Disposable> {
    this.observer = observer;
    observer.reset([]);
    return Promise.resolve({ [Symbol.dispose]: () => void (this.disposed = true) });
  }
}

function changes(catalog: Catalog): string[] {
  const seen: string[] = [];
  catalog.onChange((name, record) => seen.push(`${name} ${record?.version ?? "gone"}`));
  return seen;
}

Deno.test("the catalog holds what the registry holds, sorted by name", async () => {
  await using registry = openSqlite(":memory:");
  for (const name of ["b", "B", "a"]) await registry.createFunction(sampleRecord(name));
  using catalog = await Catalog.open(registry);
  assert.deepEqual(catalog.list().map(({ name }) => name), ["B", "a", "b"]);
  await registry.deleteFunction("a");
  await registry.createFunction(sampleRecord("c"));
  assert.deepEqual(catalog.list().map(({ name }) => name), ["B", "b", "c"]);
  assert.equal(catalog.get("a"), undefined);
  assert.equal(catalog.get("c")?.version, "c-1");
  assert.equal(catalog.size, 3);
});

Deno.test("a reset tells only what really changed", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch);
  const [a, b, c] = [sampleRecord("a"), sampleRecord("b"), sampleRecord("c")];
  watch.observer.reset([a, b]);
  const seen = changes(catalog);
  const b2 = sampleRecord("b", { version: "b-2" });
  watch.observer.reset([sampleRecord("a"), b2, c]);
  watch.observer.reset([b2, c]);
  watch.observer.put(sampleRecord("c"));
  watch.observer.remove("unknown");
  assert.deepEqual(seen, ["b b-2", "c c-1", "a gone"]);
});

Deno.test("Catalog: who follows it hears of what exists, and of each change with what was before", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch);
  const heard: string[] = [];
  const hear = (id: string) =>
    catalog.follow((name, record, former) => {
      heard.push(`${id} ${name}: ${former?.version ?? "-"} to ${record?.version ?? "-"}`);
    });
  watch.observer.put(sampleRecord("a"));
  const [first, _second] = [hear("1"), hear("2")];
  watch.observer.put(sampleRecord("a", { version: "a-2" }));
  first[Symbol.dispose]();
  watch.observer.remove("a");
  assert.deepEqual(heard, [
    "1 a: - to a-1",
    "2 a: - to a-1",
    "1 a: a-1 to a-2",
    "2 a: a-1 to a-2",
    "2 a: a-2 to -",
  ]);
});

Deno.test("a listener sees the change, may stop, and may fail alone", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch);
  catalog.onChange(() => {
    throw new Error("a faulty listener");
  });
  const visible: boolean[] = [];
  const subscription = catalog.onChange((name, record) =>
    visible.push(catalog.get(name) === record)
  );
  watch.observer.put(sampleRecord("a"));
  watch.observer.remove("a");
  subscription[Symbol.dispose]();
  watch.observer.put(sampleRecord("a"));
  assert.deepEqual(visible, [true, true]);
});

Deno.test("a write returns once the watch has brought it back", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch, { clock: new ManualClock() });
  const write = catalog.written("a", "a-1", () => Promise.resolve(true));
  let returned = false;
  write.then(() => returned = true);
  await Promise.resolve();
  assert.equal(returned, false);
  watch.observer.put(sampleRecord("a"));
  assert.equal(await write, true);
});

Deno.test("a write returns even if its echo came early and was overtaken", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch, { clock: new ManualClock() });
  const written = await catalog.written("a", "a-1", () => {
    watch.observer.put(sampleRecord("a"));
    watch.observer.put(sampleRecord("a", { version: "a-2" }));
    return Promise.resolve(true);
  });
  assert.equal(written, true);
  const removed = await catalog.written("a", undefined, () => {
    watch.observer.reset([]);
    return Promise.resolve(true);
  });
  assert.equal(removed, true);
});

Deno.test("a write does not wait for ever, nor for what changed nothing", async () => {
  const clock = new ManualClock();
  using catalog = await Catalog.open(new Watch(), { clock });
  assert.equal(await catalog.written("a", "a-1", () => Promise.resolve(false)), false);
  const write = catalog.written("a", "a-1", () => Promise.resolve(true));
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(10_000);
  assert.equal(await write, true);
});

Deno.test("disposing ends the watch", async () => {
  const watch = new Watch();
  const catalog = await Catalog.open(watch);
  catalog[Symbol.dispose]();
  assert.equal(watch.disposed, true);
});

Deno.test("ten thousand functions are followed", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch);
  const records = Array.from({ length: 10_000 }, (_, i) => sampleRecord(`f${i}`));
  watch.observer.reset(records);
  const seen = changes(catalog);
  watch.observer.reset(records.slice(1).concat(sampleRecord("f0", { version: "new" })));
  assert.deepEqual(seen, ["f0 new"]);
  assert.equal(catalog.list().length, 10_000);
});

Deno.test("what is not known yet is told apart from what does not exist", async () => {
  let answers!: FunctionObserver;
  const away = {
    watchFunctions: (observer: FunctionObserver) => {
      answers = observer;
      return Promise.resolve({ [Symbol.dispose]: () => {} });
    },
  };
  using catalog = await Catalog.open(away, { known: [sampleRecord("a")] });
  assert.equal(catalog.get("a")?.version, "a-1");
  assert.throws(() => catalog.get("b"), { code: "REGISTRY_UNAVAILABLE" });
  assert.throws(() => catalog.requireComplete(), { code: "REGISTRY_UNAVAILABLE" });
  answers.reset([sampleRecord("b")]);
  assert.deepEqual([catalog.get("a"), catalog.get("b")?.version], [undefined, "b-1"]);
  catalog.requireComplete();
});
