import assert from "node:assert/strict";
import { fakeRecord } from "../../../tests/support/fakes/fake_environment.ts";
import { FakeEtcd } from "../../../tests/support/fakes/fake_etcd.ts";
import { functionNames, type FunctionRecord } from "../../model/function.ts";
import type { FunctionObserver } from "../registry.ts";
import { functionsPrefix, identityKey } from "./keys.ts";
import { readIdentity } from "./restoring_watch.ts";
import { FunctionWatch } from "./watch.ts";

const stored = (name: string) => JSON.stringify(functionNames.toWire(fakeRecord({ name })));

/** Records what a watch reports, one line for each event. */
class Events implements FunctionObserver {
  readonly lines: string[] = [];

  reset(records: FunctionRecord[], damaged: readonly { name: string }[] = []): void {
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).join(" ");
    this.lines.push(`reset ${names(records)}; ${names(damaged)}`);
  }
  put({ name }: FunctionRecord): void {
    this.lines.push(`put ${name}`);
  }
  damage({ name, problem }: { name: string; problem: string }): void {
    this.lines.push(`damage ${name}: ${problem}`);
  }
  remove(name: string): void {
    this.lines.push(`remove ${name}`);
  }
}

/** A watch of an etcd after its first listing, with its events and the functions that it restored. */
async function follow(etcd: FakeEtcd) {
  const restored: string[] = [];
  const opened = etcd.opened();
  const watch = new FunctionWatch(etcd.client, (lost) => {
    for (const { name } of lost) {
      restored.push(name);
      etcd.write(name, stored(name));
    }
    return Promise.resolve();
  });
  const events = new Events();
  watch.observe(events);
  await opened;
  return { watch, events, restored, [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose]() };
}

Deno.test("FunctionWatch: observer before and after the listing, gets all functions and each change", async () => {
  const etcd = new FakeEtcd(functionsPrefix);
  etcd.write("f", stored("f"));
  await using followed = await follow(etcd);
  const { watch, events } = followed;
  etcd.write("g", stored("g"));
  etcd.write("f", undefined);
  assert.deepEqual(events.lines, ["reset f; ", "put g", "remove f"]);
  const late = new Events();
  using subscription = watch.observe(late);
  assert.deepEqual(late.lines, ["reset g; "]);
  subscription[Symbol.dispose]();
  etcd.write("h", stored("h"));
  assert.equal(late.lines.length, 1);
});

Deno.test("FunctionWatch: damaged records, are reported until they are repaired", async () => {
  const etcd = new FakeEtcd(functionsPrefix);
  etcd.write("f", "no JSON");
  etcd.write("g", stored("g"));
  await using followed = await follow(etcd);
  const { events } = followed;
  etcd.write("g", stored("other"));
  etcd.write("f", stored("f"));
  assert.deepEqual(events.lines, [
    "reset g; f",
    "damage g: it contains a function with another name",
    "put f",
  ]);
});

Deno.test("FunctionWatch: etcd loses its data, is given back all known functions", async () => {
  const etcd = new FakeEtcd(functionsPrefix);
  etcd.write("f", stored("f"));
  await using followed = await follow(etcd);
  const { watch, events, restored } = followed;
  await watch.checkIdentity(readIdentity(etcd.client));
  assert.equal(etcd.listings, 1, "the data is the same");
  etcd.values.clear();
  const again = etcd.opened();
  await watch.checkIdentity(readIdentity(etcd.client));
  await again;
  assert.deepEqual(restored, ["f"]);
  assert.deepEqual(events.lines, ["reset f; ", "reset f; "]);
  assert.ok(etcd.values.has(identityKey));
});

Deno.test("FunctionWatch: etcd is restored from a backup, is given back all known functions", async () => {
  const etcd = new FakeEtcd(functionsPrefix);
  etcd.write("f", stored("f"));
  await using followed = await follow(etcd);
  etcd.delivers = false;
  etcd.write("f", undefined);
  etcd.revision = 1;
  const again = etcd.opened();
  followed.watch.startOver("the test says so");
  await again;
  assert.deepEqual(followed.restored, ["f"]);
});

Deno.test("FunctionWatch: functions deleted during an interruption, are not restored", async () => {
  const etcd = new FakeEtcd(functionsPrefix);
  etcd.write("f", stored("f"));
  await using followed = await follow(etcd);
  etcd.delivers = false;
  etcd.write("f", undefined);
  const again = etcd.opened();
  followed.watch.startOver("the test says so");
  await again;
  assert.deepEqual(followed.restored, []);
  assert.deepEqual(followed.events.lines, ["reset f; ", "reset ; "]);
});
