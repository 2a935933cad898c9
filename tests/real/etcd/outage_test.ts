import assert from "node:assert/strict";
import { startLogging } from "../../../lib/cli/logging.ts";
import { hashArchive } from "../../../lib/archive/archive.ts";
import { Catalog } from "../../../lib/registry/catalog.ts";
import { connectEtcd } from "../../../lib/registry/etcd/registry.ts";
import { EtcdClient } from "../../../lib/registry/etcd/client/client.ts";
import { put } from "../../../lib/registry/etcd/client/requests.ts";
import { functionKey, resultParts } from "../../../lib/registry/etcd/keys.ts";
import { functionNames } from "../../../lib/model/function.ts";
import type { EtcdOptions } from "../../../lib/registry/etcd/client/options.ts";
import type { Registry } from "../../../lib/registry/registry.ts";
import { longResult, Recorder, sampleCode, sampleRecord } from "../../contract/registry.ts";
import { startEtcd, startEtcdCluster, type TestEtcd } from "../../support/etcd.ts";
import { eventually } from "../../support/eventually.ts";
import { Relay } from "../../support/network/relay.ts";

/** A registry that is connected, and what its watch tells. */
async function connected(
  etcd: TestEtcd,
  more: Partial<EtcdOptions> = {},
): Promise<AsyncDisposable & { registry: Registry; seen: Recorder }> {
  const registry = connectEtcd({ endpoints: [etcd.endpoint], ...more });
  const seen = new Recorder();
  await registry.watchFunctions(seen);
  await healthy(registry);
  return { registry, seen, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

const healthy = (registry: Registry) =>
  eventually("the registry is healthy", () => registry.health().ok);
const unhealthy = (registry: Registry) =>
  eventually("the registry notices the outage", () => !registry.health().ok);

Deno.test("a registry without its etcd starts, reports it, and recovers", async () => {
  await using etcd = await startEtcd();
  await etcd.kill();
  await using registry = connectEtcd({ endpoints: [etcd.endpoint] });
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  assert.deepEqual(seen.events, [], "nothing is known of the functions yet");
  const health = registry.health();
  assert(!health.ok && health.reason !== "" && health.sinceMs >= 0);
  for (
    const call of [
      registry.createFunction(sampleRecord("f")),
      registry.getResult("r"),
      registry.collectCode(),
    ]
  ) {
    await assert.rejects(call, { code: "REGISTRY_UNAVAILABLE", message: /^[^\n]+$/ });
  }
  await etcd.restart();
  await healthy(registry);
  assert.equal(await registry.createFunction(sampleRecord("f")), true);
  await eventually("the watch tells the new function", () => seen.functions.has("f"));
});

Deno.test("an outage is logged with its reason, without stack traces", async () => {
  await using etcd = await startEtcd();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const written = new Response(readable).text();
  {
    await using _logging = startLogging({ level: "debug", format: "text" }, writable);
    await using a = await connected(etcd);
    await using _nodes = await a.registry.watchNodes({
      reset() {},
      put() {},
      remove() {},
    });
    await etcd.kill();
    await unhealthy(a.registry);
  }
  await writable.close();
  const lines = (await written).trimEnd().split("\n");
  for (const line of lines) assert.match(line, /^\d{4}-\S+ (DEBUG|WARNING) registry: \S/);
  assert.ok(
    lines.some((line) =>
      line.includes("WARNING registry: Lost the connection to etcd; trying again: ")
    ),
  );
});

Deno.test("two registries see each other's changes", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  await using b = await connected(etcd);
  await a.registry.createFunction(sampleRecord("f"));
  await eventually("b knows f", () => b.seen.functions.has("f"), 1000);
  await b.registry.putFunction(sampleRecord("f", { version: "f-2" }));
  await eventually("a knows f-2", () => a.seen.functions.get("f")?.version === "f-2", 1000);
  await b.registry.deleteFunction("f");
  await eventually("a forgets f", () => !a.seen.functions.has("f"), 1000);
});

Deno.test("fifty creates of one name by two registries have one winner", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  await using b = await connected(etcd);
  const won = await Promise.all(
    Array.from(
      { length: 50 },
      (_, i) => [a, b][i % 2]!.registry.createFunction(sampleRecord("f", { version: `v${i}` })),
    ),
  );
  assert.equal(won.filter(Boolean).length, 1);
  const version = `v${won.indexOf(true)}`;
  await eventually(
    "both know the winner",
    () => [a, b].every(({ seen }) => seen.functions.get("f")?.version === version),
  );
});

Deno.test("code of 20 MB is stored and read on an etcd with its own limits", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  await using b = await connected(etcd);
  const code = sampleCode(20_000_000);
  const hash = await hashArchive(code);
  await a.registry.putCode(hash, code);
  assert.equal(await hashArchive((await b.registry.getCode(hash))!), hash);
  await a.registry.createFunction(sampleRecord("f", { codeHash: hash }));
  await a.registry.deleteFunction("f");
  assert.equal(await b.registry.collectCode(), 1);
  assert.equal(
    (await etcd.ctl("get", "--prefix", "/serverledge/v1/code/", "--keys-only")).trim(),
    "",
  );
});

Deno.test("a restart of etcd with its data is a pause", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  await using b = await connected(etcd);
  await a.registry.createFunction(sampleRecord("f"));
  await a.registry.putResult("r", { state: "pending", node: "n", since: 1 }, 600_000);
  await eventually("b knows f", () => b.seen.functions.has("f"));
  await etcd.kill();
  await unhealthy(a.registry);
  await assert.rejects(a.registry.putFunction(sampleRecord("g")), { code: "REGISTRY_UNAVAILABLE" });
  assert(a.seen.functions.has("f"), "an outage takes no function away");
  await etcd.restart();
  await healthy(a.registry);
  await a.registry.putFunction(sampleRecord("g"));
  await eventually(
    "both watches go on",
    () => [a, b].every(({ seen }) => seen.functions.has("g") && seen.functions.has("f")),
  );
  assert.deepEqual(await b.registry.pendingResults("n"), ["r"]);
  await a.registry.putResult("r2", { state: "pending", node: "n", since: 1 }, 600_000);
});

Deno.test("a cluster restores its functions and code in an emptied etcd", async () => {
  await using etcd = await startEtcd();
  const code = sampleCode(700_000);
  const hash = await hashArchive(code);
  // Each knows a part: the one has the code, the other has not.
  await using a = await connected(etcd, {
    recoverCode: (wanted) => Promise.resolve(wanted === hash ? code : undefined),
  });
  await using b = await connected(etcd);
  await a.registry.putCode(hash, code);
  await a.registry.createFunction(sampleRecord("f", { codeHash: hash }));
  await b.registry.createFunction(sampleRecord("g"));
  await b.registry.putResult("r", { state: "pending", node: "n", since: 1 }, 600_000);
  await eventually("both know both", () => [a, b].every(({ seen }) => seen.functions.size === 2));
  const before = [a.seen.events.length, b.seen.events.length];
  await etcd.restart({ wipe: true });
  await eventually(
    "both have listed again",
    () => a.seen.events.length > before[0]! && b.seen.events.length > before[1]!,
  );
  for (const { seen } of [a, b]) {
    assert(!seen.events.some((line) => line.startsWith("remove")), "no function was ever gone");
    assert.deepEqual([...seen.functions.keys()].sort(), ["f", "g"]);
  }
  await using late = await connected(etcd);
  assert.deepEqual([...late.seen.functions.keys()].sort(), ["f", "g"]);
  await eventually("the code is back", async () => !!await late.registry.getCode(hash));
  assert.equal(await late.registry.collectCode(), 0);
  // Leases are lost with the data; what needs one gets a new one.
  await b.registry.putResult("r", { state: "pending", node: "n", since: 2 }, 600_000);
  assert.deepEqual(await a.registry.pendingResults("n"), ["r"]);
});

Deno.test("changes that were compacted away while the watch was broken are not missed", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  await a.registry.createFunction(sampleRecord("gone"));
  await a.registry.createFunction(sampleRecord("kept"));
  await eventually("the watch tells both", () => a.seen.functions.size === 2);
  await etcd.kill();
  await unhealthy(a.registry);
  await etcd.restart();
  for (let i = 0; i < 5; i++) await etcd.ctl("put", "/other", String(i));
  await etcd.ctl("del", "/serverledge/v1/functions/gone");
  const fields = await etcd.ctl("get", "/other", "--write-out", "fields");
  await etcd.ctl("compact", /"Revision" : (\d+)/.exec(fields)![1]!);
  await eventually("the watch has noticed", () => !a.seen.functions.has("gone"));
  assert.deepEqual([...a.seen.functions.keys()], ["kept"]);
  await a.registry.putFunction(sampleRecord("new"));
  await eventually("the watch goes on", () => a.seen.functions.has("new"));
});

Deno.test("a compaction under a live watch does not disturb it", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  for (let i = 0; i < 5; i++) {
    await a.registry.putFunction(sampleRecord("f", { version: `f-${i}` }));
  }
  const fields = await etcd.ctl("get", "/", "--write-out", "fields");
  await etcd.ctl("compact", /"Revision" : (\d+)/.exec(fields)![1]!);
  await a.registry.putFunction(sampleRecord("g"));
  await eventually("the watch goes on", () => a.seen.functions.has("g"));
});

Deno.test("an etcd that hangs is detected, calls to it end, and the registry recovers", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  await a.registry.createFunction(sampleRecord("f"));
  etcd.freeze();
  try {
    await unhealthy(a.registry);
    await assert.rejects(
      a.registry.putResult("r", { state: "pending", node: "n", since: 1 }, 1000),
      {
        code: "REGISTRY_UNAVAILABLE",
      },
    );
    // Only what etcd has begun to answer may take longer.
    await assert.rejects(a.registry.getResult("r"), { message: /no response within 5 s/ });
  } finally {
    etcd.thaw();
  }
  await healthy(a.registry);
  await a.registry.putFunction(sampleRecord("g"));
  await eventually("the watch goes on", () => a.seen.functions.has("g"));
});

Deno.test("one available member of etcd is enough", async () => {
  await using dead = await startEtcd();
  await dead.kill();
  await using etcd = await startEtcd();
  await using registry = connectEtcd({ endpoints: [dead.endpoint, etcd.endpoint] });
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  assert.equal(await registry.createFunction(sampleRecord("f")), true);
  await eventually("the watch tells it", () => seen.functions.has("f"));
  assert.deepEqual(registry.health(), { ok: true });
});

Deno.test("a member that hangs delays a call by at most 2 s if there is another", async () => {
  await using etcd = await startEtcd();
  await using member = new Relay(etcd.endpoint);
  await using registry = connectEtcd({ endpoints: [member.address, etcd.endpoint] });
  await using _watch = await registry.watchFunctions(new Recorder());
  await healthy(registry);
  member.cut();
  const begun = performance.now();
  const code = new Uint8Array(2000);
  const hash = await hashArchive(code);
  await registry.putCode(hash, code);
  assert.equal(await registry.createFunction({ ...sampleRecord("f"), codeHash: hash }), true);
  const ms = performance.now() - begun;
  assert(ms < 2000, `the function was created after ${Math.round(ms)} ms`);
  assert.deepEqual(registry.health(), { ok: true });
});

Deno.test("a member of three that hangs delays no change, and may return", async () => {
  await using cluster = await startEtcdCluster(3);
  const [held, killed] = cluster.members;
  const endpoints = cluster.members.map(({ endpoint }) => endpoint);
  await using one = connectEtcd({ endpoints });
  await using two = connectEtcd({ endpoints });
  const seen = new Recorder();
  await using _watch = await two.watchFunctions(seen);
  const creates = async (name: string, boundMs?: number) => {
    assert.equal(await one.createFunction(sampleRecord(name)), true);
    await eventually(`${name} is seen`, () => seen.functions.has(name), boundMs);
  };
  await creates("before");
  await using catalog = await Catalog.open(one);
  held!.freeze();
  // The watches are on the member that hangs, and calls go to another.
  const record = sampleRecord("own");
  await catalog.written(record.name, record.version, () => one.createFunction(record));
  assert(catalog.has(record.name), "whoever created it can invoke it at once");
  await creates("during", 15_000);
  held!.thaw();
  await eventually(
    "it has come back",
    () => held!.ctl("endpoint", "health").then(() => true, () => false),
  );
  await killed!.kill();
  await creates("later");
});

Deno.test("an unreadable record in etcd hides no other record, at the start and later", async () => {
  await using etcd = await startEtcd();
  await etcd.ctl("put", "/serverledge/v1/functions/bad", "no json");
  await etcd.ctl("put", "/serverledge/v1/functions/other", JSON.stringify(sampleRecord("f")));
  await using a = await connected(etcd);
  await etcd.ctl("put", "/serverledge/v1/functions/worse", "{}");
  await a.registry.createFunction(sampleRecord("good"));
  await eventually("the good one is observed", () => a.seen.functions.has("good"));
  assert.deepEqual(a.seen.events, ["reset", "damage worse", "put good-1"]);
});

Deno.test("a registry with a damaged long result: the result is unknown, others are not", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  for (const id of ["bad", "good"]) await a.registry.putResult(id, longResult(), 60_000);
  using client = new EtcdClient({ endpoints: [etcd.endpoint] });
  const { entries: parts } = await client.list(resultParts("bad", "").slice(0, -1));
  assert.ok(parts.length > 1);
  for (const { key, value } of parts) await client.put(key, new Uint8Array(value.length));
  assert.equal(await a.registry.getResult("bad"), undefined);
  assert.equal((await a.registry.getResult("good"))?.state, "done");
});

Deno.test("a listing of ten thousand functions is complete", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  using client = new EtcdClient({ endpoints: [etcd.endpoint] });
  const all = Array.from({ length: 10_000 }, (_, i) => sampleRecord(`f${i}`));
  // The rest in transactions, of as many as etcd takes: each by itself takes a busy machine a minute.
  const parallel = 300;
  await Promise.all(all.slice(0, parallel).map((fn) => a.registry.putFunction(fn)));
  for (let at = parallel; at < all.length; at += 100) {
    const success = all.slice(at, at + 100).map((fn) =>
      put(functionKey(fn.name), JSON.stringify(functionNames.toWire(fn)))
    );
    await client.transact({ compare: [], success });
  }
  await using b = await connected(etcd);
  assert.equal(b.seen.functions.size, 10_000);
  await eventually("the watch has reported all", () => a.seen.functions.size === 10_000);
});

Deno.test("large functions are listed, too large ones are refused", async () => {
  await using etcd = await startEtcd();
  await using a = await connected(etcd);
  const env = { LARGE: "x".repeat(300_000) };
  for (let i = 0; i < 40; i++) await a.registry.createFunction(sampleRecord(`f${i}`, { env }));
  await using b = await connected(etcd);
  assert.equal(b.seen.functions.size, 40);
  const tooLarge = sampleRecord("g", { env: { LARGE: "x".repeat(2_000_000) } });
  await assert.rejects(a.registry.createFunction(tooLarge), { code: "PAYLOAD_TOO_LARGE" });
  assert.deepEqual(a.registry.health(), { ok: true });
});

Deno.test("a process that has disposed of its registry exits", async () => {
  await using etcd = await startEtcd();
  const script = `
    import { connectEtcd } from ${
    JSON.stringify(import.meta.resolve("../../../lib/registry/etcd/registry.ts"))
  };
    const registry = connectEtcd({ endpoints: [Deno.args[0], Deno.args[1]] });
    await registry.watchFunctions({ reset() {}, put() {}, damage() {}, remove() {} });
    await registry[Symbol.asyncDispose]();
    // The next timer would keep the process longer than this.
    Deno.unrefTimer(setTimeout(() => Deno.exit(9), 1500));
  `;
  for (const second of [etcd.endpoint, "127.0.0.1:1"]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", script, etcd.endpoint, second],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }
});
