import assert from "node:assert/strict";
import type { Change, Changes, Entry, EtcdClient } from "./client/client.ts";
import { PrefixWatch } from "./prefix_watch.ts";

const prefix = "/test/";

function entry(name: string, value = ""): Entry {
  return { key: prefix + name, value: new TextEncoder().encode(value) };
}

/** An etcd with one prefix, whose streams the test controls. */
class FakeEtcd {
  revision = 1;
  readonly values = new Map<string, string>();
  /** Whether streams carry changes. */
  delivers = true;
  /** Error of the next listing. */
  failure: Error | undefined;
  listings = 0;
  #apply: ((changes: Changes) => void) | undefined;
  #opened = Promise.withResolvers<void>();

  get client(): EtcdClient {
    return this as unknown as EtcdClient;
  }

  /** Resolves when the next stream is open. */
  opened(): Promise<void> {
    return this.#opened.promise;
  }

  write(name: string, value: string | undefined): void {
    this.revision++;
    if (value === undefined) this.values.delete(name);
    else this.values.set(name, value);
    const change: Change = { ...entry(name, value), removed: value === undefined };
    if (this.delivers) this.#apply?.({ revision: this.revision, changes: [change] });
  }

  list() {
    this.listings++;
    const { failure } = this;
    this.failure = undefined;
    if (failure) return Promise.reject(failure);
    const entries = [...this.values].map(([name, value]) => entry(name, value));
    return Promise.resolve({ entries, revision: this.revision });
  }

  summarize() {
    return Promise.resolve({ count: this.values.size, written: this.revision });
  }

  watch(_: string, from: number, apply: (changes: Changes) => void, signal: AbortSignal) {
    assert.equal(from, this.revision + 1, "nothing is missed between listing and stream");
    this.#apply = apply;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
    return new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => {
        this.#apply = undefined;
        reject(signal.reason);
      });
    });
  }
}

/** Keeps the values as text. */
class Texts extends PrefixWatch {
  readonly texts = new Map<string, string>();
  readonly interruptions: (string | undefined)[] = [];

  constructor(client: EtcdClient) {
    super(client, prefix);
    this.follow();
  }

  protected replace(entries: readonly Entry[]): void {
    this.texts.clear();
    for (const one of entries) this.put(one);
  }

  protected put({ key, value }: Entry): void {
    this.texts.set(key.slice(prefix.length), new TextDecoder().decode(value));
  }

  protected remove(name: string): void {
    this.texts.delete(name);
  }

  protected interrupted(reason: string | undefined): void {
    this.interruptions.push(reason);
  }
}

Deno.test("PrefixWatch: lists the values and then applies each change", async () => {
  const etcd = new FakeEtcd();
  etcd.write("a", "1");
  const opened = etcd.opened();
  await using watch = new Texts(etcd.client);
  await watch.listed;
  assert.deepEqual([...watch.texts], [["a", "1"]]);
  await opened;
  etcd.write("b", "2");
  etcd.write("a", undefined);
  assert.deepEqual([...watch.texts], [["b", "2"]]);
  assert.equal(etcd.listings, 1);
});

Deno.test("PrefixWatch: lists again at once on request, and drops what is gone", async () => {
  const etcd = new FakeEtcd();
  etcd.write("a", "1");
  const opened = etcd.opened();
  await using watch = new Texts(etcd.client);
  await opened;
  etcd.delivers = false;
  etcd.write("a", undefined);
  etcd.write("b", "2");
  const again = etcd.opened();
  watch.startOver("the test says so");
  await again;
  assert.deepEqual([...watch.texts], [["b", "2"]]);
  assert.deepEqual(watch.interruptions, ["the test says so"]);
});

Deno.test("PrefixWatch: a stream that keeps changes back is noticed by the second check", async () => {
  const etcd = new FakeEtcd();
  const opened = etcd.opened();
  await using watch = new Texts(etcd.client);
  await opened;
  await watch.checkProgress();
  etcd.delivers = false;
  etcd.write("a", "1");
  await watch.checkProgress();
  assert.equal(etcd.listings, 1, "the change may be in transit");
  const again = etcd.opened();
  await watch.checkProgress();
  await again;
  assert.deepEqual([...watch.texts], [["a", "1"]]);
});

Deno.test("PrefixWatch: a write whose change does not arrive lists again, one whose change arrived does not", async () => {
  const etcd = new FakeEtcd();
  const opened = etcd.opened();
  await using watch = new Texts(etcd.client);
  await opened;
  etcd.write("a", "1");
  await watch.expect(etcd.revision);
  assert.equal(etcd.listings, 1);
  etcd.delivers = false;
  etcd.write("b", "2");
  const again = etcd.opened();
  await watch.expect(etcd.revision);
  await again;
  assert.equal(watch.texts.get("b"), "2");
});

Deno.test("PrefixWatch: a failed listing is reported and repeated", async () => {
  const etcd = new FakeEtcd();
  etcd.failure = new Error("etcd is away");
  etcd.write("a", "1");
  await using watch = new Texts(etcd.client);
  await watch.listed;
  assert.deepEqual(watch.interruptions, ["etcd is away"]);
  assert.deepEqual([...watch.texts], [["a", "1"]]);
});

Deno.test("PrefixWatch: stops while a stream is open, and reports no failure", async () => {
  const etcd = new FakeEtcd();
  const opened = etcd.opened();
  const watch = new Texts(etcd.client);
  await opened;
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(watch.interruptions, [undefined]);
});
