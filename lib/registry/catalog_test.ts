import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { sampleRecord } from "../../tests/contract/registry.ts";
import { Catalog } from "./catalog.ts";
import type { FunctionObserver } from "./registry.ts";
import { openSqlite } from "./local/registry.ts";

/** A watch that the test controls. */
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

Deno.test("Catalog: contains the registry's functions, sorted by name", async () => {
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

Deno.test("Catalog: a reset reports actual changes only", async () => {
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

Deno.test("Catalog: follow reports existing functions, then each change with the former version", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch);
  const reported: string[] = [];
  const follow = (id: string) =>
    catalog.follow((name, record, former) => {
      reported.push(`${id} ${name}: ${former?.version ?? "-"} to ${record?.version ?? "-"}`);
    });
  watch.observer.put(sampleRecord("a"));
  const [first, _second] = [follow("1"), follow("2")];
  watch.observer.put(sampleRecord("a", { version: "a-2" }));
  first[Symbol.dispose]();
  watch.observer.remove("a");
  assert.deepEqual(reported, [
    "1 a: - to a-1",
    "2 a: - to a-1",
    "1 a: a-1 to a-2",
    "2 a: a-1 to a-2",
    "2 a: a-2 to -",
  ]);
});

Deno.test("Catalog: a listener sees each change, can unsubscribe, and fails alone", async () => {
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

Deno.test("Catalog: written returns once the watch reports the change", async () => {
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

Deno.test("Catalog: written returns even if the watch reports a later write first", async () => {
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

Deno.test("Catalog: written waits up to a limit, and not without a change", async () => {
  const clock = new ManualClock();
  using catalog = await Catalog.open(new Watch(), { clock });
  assert.equal(await catalog.written("a", "a-1", () => Promise.resolve(false)), false);
  const write = catalog.written("a", "a-1", () => Promise.resolve(true));
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(10_000);
  assert.equal(await write, true);
});

Deno.test("Catalog: disposal ends the watch", async () => {
  const watch = new Watch();
  const catalog = await Catalog.open(watch);
  catalog[Symbol.dispose]();
  assert.equal(watch.disposed, true);
});

Deno.test("Catalog: follows ten thousand functions", async () => {
  const watch = new Watch();
  using catalog = await Catalog.open(watch);
  const records = Array.from({ length: 10_000 }, (_, i) => sampleRecord(`f${i}`));
  watch.observer.reset(records);
  const seen = changes(catalog);
  watch.observer.reset(records.slice(1).concat(sampleRecord("f0", { version: "new" })));
  assert.deepEqual(seen, ["f0 new"]);
  assert.equal(catalog.list().length, 10_000);
});

Deno.test("Catalog: distinguishes unknown functions from missing ones", async () => {
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
