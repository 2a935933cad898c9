import assert from "node:assert/strict";
import { FakeEtcd } from "../../../tests/support/fakes/fake_etcd.ts";
import type { Entry, EtcdClient } from "./client/client.ts";
import { PrefixWatch } from "./prefix_watch.ts";

const prefix = "/test/";

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
  const etcd = new FakeEtcd(prefix);
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
  const etcd = new FakeEtcd(prefix);
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
  const etcd = new FakeEtcd(prefix);
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
  const etcd = new FakeEtcd(prefix);
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
  const etcd = new FakeEtcd(prefix);
  etcd.failure = new Error("etcd is away");
  etcd.write("a", "1");
  await using watch = new Texts(etcd.client);
  await watch.listed;
  assert.deepEqual(watch.interruptions, ["etcd is away"]);
  assert.deepEqual([...watch.texts], [["a", "1"]]);
});

Deno.test("PrefixWatch: stops while a stream is open, and reports no failure", async () => {
  const etcd = new FakeEtcd(prefix);
  const opened = etcd.opened();
  const watch = new Texts(etcd.client);
  await opened;
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(watch.interruptions, [undefined]);
});
