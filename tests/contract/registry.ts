/**
 * What every registry must do. Its implementations run this suite: the embedded one on a file and
 * in memory, and the cluster's on a real etcd.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { QuotedText } from "../../lib/json/quoted.ts";
import { hashArchive } from "../../lib/archive/archive.ts";
import { functionNames, type FunctionRecord, functionSchema } from "../../lib/model/function.ts";
import { parse } from "../../lib/json/json.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import type {
  AsyncResult,
  DamagedFunction,
  FunctionObserver,
  NodeObserver,
  Registry,
} from "../../lib/registry/registry.ts";
import type { Collection, RecordKind, RecordObserver } from "../../lib/registry/collection.ts";
import { eventually } from "../support/eventually.ts";

/** A registry under test and the passing of its time. */
export interface RegistryWorld extends AsyncDisposable {
  /** The registry, empty. */
  readonly registry: Registry;
  /** True if several nodes can use it at the same time. */
  readonly shared: boolean;
  /** Lets time pass where the registry's clock is not the machine's. */
  pass(ms: number): void;
}

/** A function record for tests, with every default filled in. */
export function sampleRecord(name: string, more: Partial<FunctionRecord> = {}): FunctionRecord {
  const wire = parse(functionSchema, {
    Name: name,
    Runtime: "python",
    MemoryMB: 128,
    CPUDemand: 0.5,
    Handler: "hello.handler",
    SupportedArchs: ["amd64", "arm64"],
    Env: { LANG: "C", GREETING: "grüß dich" },
    CodeHash: "",
    Version: `${name}-1`,
  });
  return { ...functionNames.fromWire(wire), ...more };
}

/** An observer that records the events, and knows the functions from them. */
export class Recorder implements FunctionObserver {
  /** The functions as observed. */
  readonly functions = new Map<string, FunctionRecord>();
  /** The events, one line each. */
  readonly events: string[] = [];

  /** Writes down a reset, versions sorted. */
  reset(records: FunctionRecord[]): void {
    this.functions.clear();
    for (const record of records) this.functions.set(record.name, record);
    this.events.push(`reset ${records.map(({ version }) => version).sort().join(" ")}`.trim());
  }

  /** Writes down a put. */
  put(record: FunctionRecord): void {
    this.functions.set(record.name, record);
    this.events.push(`put ${record.version}`);
  }

  /** Writes down a damage. */
  damage({ name }: DamagedFunction): void {
    this.events.push(`damage ${name}`);
  }

  /** Writes down a removal. */
  remove(name: string): void {
    this.functions.delete(name);
    this.events.push(`remove ${name}`);
  }
}

/** A node's record for tests. */
export function sampleNode(id: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id,
    area: "ROME",
    role: "node",
    url: "http://127.0.0.1:1323",
    udp: "127.0.0.1:9876",
    architecture: "amd64",
    incarnation: `${id}-1`,
    ...more,
  };
}

/** An observer of nodes that knows what it has observed. */
export class NodeRecorder implements NodeObserver {
  /** The nodes as observed. */
  readonly nodes = new Map<string, NodeRecord>();

  /** Forgets all others. */
  reset(records: NodeRecord[]): void {
    this.nodes.clear();
    for (const record of records) this.nodes.set(record.id, record);
  }

  /** Adds one. */
  put(record: NodeRecord): void {
    this.nodes.set(record.id, record);
  }

  /** Removes one. */
  remove(id: string): void {
    this.nodes.delete(id);
  }

  /** Their ids, sorted. */
  get ids(): string {
    return [...this.nodes.keys()].sort().join(" ");
  }
}

/** Bytes that differ everywhere, so that a lost or swapped piece shows. */
export function sampleCode(length: number, seed = 1): Uint8Array {
  const code = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    code[i] = state >>> 16;
  }
  return code;
}

/** A record of a collection for tests. */
interface Note {
  readonly id: string;
  readonly text: string;
}

/** Kind of {@link Note}. */
export const noteKind: RecordKind<Note> = {
  name: "notes",
  stored: v.object({ id: v.string(), text: v.string() }),
  toWire: (note) => note,
  idOf: ({ id }) => id,
};

/** Returns an observer that keeps texts by id. */
function noteRecorder(texts: Map<string, string>): RecordObserver<Note> {
  return {
    reset(notes, damaged) {
      texts.clear();
      for (const { id, text } of notes) texts.set(id, text);
      for (const { id } of damaged) texts.set(id, "damaged");
    },
    put: ({ id, text }) => void texts.set(id, text),
    damage: ({ id }) => void texts.set(id, "damaged"),
    remove: (id) => void texts.delete(id),
  };
}

const report = {
  success: true,
  result: '{"n":1}',
  responseTimeS: 0.1,
  isWarmStart: true,
  initTimeS: 0.01,
  queueingTimeS: 0,
  offloadLatencyS: 0,
  durationS: 0.09,
  output: "",
  executionArea: "ROME",
  executionNode: "n1",
  startTier: "warm",
};

/** A result of 2 MiB, which registries store in parts. */
export function longResult(): AsyncResult {
  const text = JSON.stringify(JSON.stringify("x".repeat(2 << 20)));
  const result = new QuotedText(new TextEncoder().encode(text));
  return { state: "done", report: { ...report, result } };
}

const hour = 3_600_000;

/**
 * Defines the tests.
 *
 * @param name the implementation, for the tests' names
 * @param open makes a new world
 */
export function testRegistry(name: string, open: () => Promise<RegistryWorld>): void {
  const test = (what: string, run: (world: RegistryWorld) => Promise<void>) =>
    Deno.test(`${name} registry: ${what}`, async () => {
      await using world = await open();
      await run(world);
    });

  test("creates a function once", async ({ registry }) => {
    assert.equal(await registry.createFunction(sampleRecord("f")), true);
    assert.equal(await registry.createFunction(sampleRecord("f", { version: "f-2" })), false);
    const seen = new Recorder();
    using _watch = await registry.watchFunctions(seen);
    await eventually("the function is observed", () => seen.functions.has("f"));
    assert.deepEqual(seen.functions.get("f"), sampleRecord("f"));
  });

  test("lets one of many concurrent creates win", async ({ registry }) => {
    const versions = Array.from({ length: 50 }, (_, i) => `v${i}`);
    const won = await Promise.all(
      versions.map((version) => registry.createFunction(sampleRecord("f", { version }))),
    );
    assert.equal(won.filter(Boolean).length, 1);
    const seen = new Recorder();
    using _watch = await registry.watchFunctions(seen);
    await eventually("the function is observed", () => seen.functions.has("f"));
    assert.equal(seen.functions.get("f")?.version, versions[won.indexOf(true)]);
  });

  test("reports all functions, then each change in order", async ({ registry }) => {
    await registry.putFunction(sampleRecord("a"));
    await registry.putFunction(sampleRecord("b"));
    const seen = new Recorder();
    using _watch = await registry.watchFunctions(seen);
    assert.match(seen.events[0]!, /^reset/);
    await eventually("a and b are observed", () => seen.functions.size === 2);
    const before = seen.events.length;
    await registry.createFunction(sampleRecord("c"));
    await registry.putFunction(sampleRecord("a", { version: "a-2" }));
    assert.equal(await registry.deleteFunction("b"), true);
    assert.equal(await registry.deleteFunction("b"), false);
    await eventually("the deletion is observed", () => !seen.functions.has("b"));
    assert.deepEqual(seen.events.slice(before), ["put c-1", "put a-2", "remove b"]);
  });

  test("reports to each observer until it is disposed", async ({ registry }) => {
    const [first, second] = [new Recorder(), new Recorder()];
    const watch = await registry.watchFunctions(first);
    using _other = await registry.watchFunctions(second);
    await registry.putFunction(sampleRecord("a"));
    await eventually("both know a", () => first.events.length === 2 && second.events.length === 2);
    watch[Symbol.dispose]();
    await registry.putFunction(sampleRecord("b"));
    await eventually("the second knows b", () => second.functions.has("b"));
    assert.deepEqual(first.events, ["reset", "put a-1"]);
  });

  test("creates, replaces and deletes the records of a collection", async ({ registry }) => {
    const notes = registry.collection(noteKind);
    assert.equal(await notes.create({ id: "a", text: "one" }), true);
    assert.equal(await notes.create({ id: "a", text: "two" }), false);
    const seen = new Map<string, string>();
    using _watch = await notes.watch(noteRecorder(seen));
    await eventually("the record is observed", () => seen.get("a") === "one");
    await notes.put({ id: "a", text: "three" });
    await notes.put({ id: "b", text: "four" });
    await eventually("both are observed", () => seen.get("a") === "three" && seen.has("b"));
    const [three, five] = [{ id: "a", text: "three" }, { id: "a", text: "five" }];
    assert.equal(await notes.replace({ id: "a", text: "one" }, five), false);
    assert.equal(await notes.replace(three, five), true);
    await eventually("the replacement is observed", () => seen.get("a") === "five");
    assert.equal(await notes.delete("a"), true);
    assert.equal(await notes.replace(five, three), false, "it is not brought back");
    assert.equal(await notes.delete("a"), false);
    await eventually("the deletion is observed", () => !seen.has("a"));
    assert.deepEqual([...seen], [["b", "four"]]);
  });

  test("replaces a record whose stored text was written in another way", async ({ registry }) => {
    // As after an upgrade whose schema gives fields a default.
    const kind: RecordKind<Note> = {
      ...noteKind,
      stored: v.object({ id: v.string(), text: v.nullish(v.string(), "default") }),
    };
    const notes = registry.collection(kind);
    await notes.put({ id: "a" } as Note);
    const former = { id: "a", text: "default" };
    assert.equal(await notes.replace({ id: "a", text: "other" }, former), false);
    assert.equal(await notes.replace(former, { id: "a", text: "new" }), true);
    assert.equal(await notes.replace(former, { id: "a", text: "newer" }), false);
  });

  test("reports unreadable records, which can be deleted and replaced", async ({ registry }) => {
    const notes = registry.collection(noteKind);
    const early = new Map<string, string>();
    using _early = await notes.watch(noteRecorder(early));
    await notes.put({ id: "good", text: "1" });
    for (const id of ["bad", "worse"]) await notes.put({ id, text: 1 } as unknown as Note);
    const late = new Map<string, string>();
    await eventually("a new observer knows all", async () => {
      using _late = await notes.watch(noteRecorder(late));
      return late.size === 3;
    });
    assert.deepEqual([...late].sort(), [["bad", "damaged"], ["good", "1"], ["worse", "damaged"]]);
    assert.equal(await notes.create({ id: "bad", text: "2" }), false);
    await notes.put({ id: "worse", text: "2" });
    assert.equal(await notes.delete("bad"), true);
    await eventually(
      "both changes are observed",
      () => early.get("worse") === "2" && early.size === 2,
    );
  });

  test("keeps collections apart, and reports all records to each observer", async ({ registry }) => {
    const [notes, others] = [noteKind, { ...noteKind, name: "others" }].map((kind) =>
      registry.collection(kind)
    ) as [Collection<Note>, Collection<Note>];
    await notes.put({ id: "a", text: "one" });
    await others.put({ id: "a", text: "other" });
    const [first, second] = [new Map<string, string>(), new Map<string, string>()];
    using _first = await notes.watch(noteRecorder(first));
    using _second = await registry.collection(noteKind).watch(noteRecorder(second));
    await eventually("both know it", () => first.get("a") === "one" && second.get("a") === "one");
    await assert.rejects(notes.put({ id: "a/b", text: "" }), { code: "INVALID_REQUEST" });
    await assert.rejects(notes.put({ id: "a", text: "x".repeat(1 << 17) }), {
      code: "PAYLOAD_TOO_LARGE",
    });
    assert.equal(first.get("a"), "one");
  });

  test("keeps code by its hash", async ({ registry }) => {
    for (const size of [0, 1, 512 << 10, (512 << 10) + 1, 3_000_000]) {
      const code = sampleCode(size);
      const hash = await hashArchive(code);
      assert.equal(await registry.getCode(hash), undefined);
      await registry.putCode(hash, code);
      await registry.putCode(hash, code);
      const read = await registry.getCode(hash);
      assert(read && Buffer.compare(read, code) === 0, `code of ${size} bytes changed`);
    }
  });

  test("deletes code without references, and no other", async ({ registry }) => {
    const codes = [1, 2, 3].map((seed) => sampleCode(700_000, seed));
    const [used, unused, waiting] = await Promise.all(codes.map(hashArchive)) as [
      string,
      string,
      string,
    ];
    await registry.putCode(used, codes[0]!);
    await registry.createFunction(sampleRecord("a", { codeHash: used }));
    await registry.putCode(unused, codes[1]!);
    await registry.createFunction(sampleRecord("b", { codeHash: unused }));
    await registry.createFunction(sampleRecord("c", { codeHash: unused }));
    await registry.putCode(waiting, codes[2]!);
    await registry.deleteFunction("b");
    assert.equal(await registry.collectCode(), 0);
    await registry.putFunction(sampleRecord("c", { codeHash: used }));
    assert.equal(await registry.collectCode(), 1);
    assert.equal(await registry.getCode(unused), undefined);
    assert.equal((await registry.getCode(used))?.length, 700_000);
    assert.equal((await registry.getCode(waiting))?.length, 700_000, "its function is yet to come");
  });

  test("keeps results of asynchronous invocations", async ({ registry }) => {
    assert.equal(await registry.getResult("f-1"), undefined);
    const pending: AsyncResult = { state: "pending", node: "n1", since: 5 };
    await registry.putResult("f-1", pending, hour);
    await registry.putResult("f-2", pending, hour);
    await registry.putResult("f-3", { ...pending, node: "n2" }, hour);
    assert.deepEqual(await registry.getResult("f-1"), pending);
    assert.deepEqual(await registry.pendingResults("n1"), ["f-1", "f-2"]);
    const done: AsyncResult = { state: "done", report };
    const failed: AsyncResult = {
      state: "failed",
      code: "FUNCTION_ERROR",
      message: "it threw",
      details: { error: { type: "ValueError", message: "no" } },
    };
    await registry.putResult("f-1", done, hour);
    await registry.putResult("f-2", failed, hour);
    assert.deepEqual(await registry.getResult("f-1"), done);
    assert.deepEqual(await registry.getResult("f-2"), failed);
    assert.deepEqual(await registry.pendingResults("n1"), []);
    assert.deepEqual(await registry.pendingResults("n2"), ["f-3"]);
  });

  test("keeps a result of several MiB", async ({ registry }) => {
    const result = JSON.stringify("ß".repeat(2_000_000));
    const quoted = new QuotedText(new TextEncoder().encode(JSON.stringify(result)));
    for (const [id, text] of [["f-1", result], ["f-2", quoted]] as const) {
      await registry.putResult(id, { state: "done", report: { ...report, result: text } }, hour);
      const read = await registry.getResult(id);
      assert(read?.state === "done");
      assert(String(read.report.result) === result, `what ${id} returned has changed`);
      assert.deepEqual({ ...read.report, result: "" }, { ...report, result: "" });
    }
    const small: AsyncResult = { state: "done", report };
    await registry.putResult("f-1", small, hour);
    assert.deepEqual(await registry.getResult("f-1"), small);
  });

  test("forgets a result after its time", async ({ registry, pass }) => {
    const pending: AsyncResult = { state: "pending", node: "n1", since: 5 };
    await registry.putResult("brief", pending, 1000);
    await registry.putResult("long", pending, hour);
    assert.deepEqual(await registry.getResult("brief"), pending);
    pass(1500);
    await eventually("the result has expired", async () => !await registry.getResult("brief"));
    assert.deepEqual(await registry.getResult("long"), pending);
    assert.deepEqual(await registry.pendingResults("n1"), ["long"]);
  });

  test("reports who is registered", async ({ registry, shared }) => {
    const before = registry.registerNode(sampleNode("a"));
    const seen = new NodeRecorder();
    using _watch = await registry.watchNodes(seen);
    const after = registry.registerNode(sampleNode("b", { role: "balancer", udp: "" }));
    const all = shared ? "a b" : "";
    await eventually("both are known", () => seen.ids === all);
    if (shared) assert.deepEqual(seen.nodes.get("a"), sampleNode("a"));
    await before[Symbol.asyncDispose]();
    await eventually("one has left", () => seen.ids === (shared ? "b" : ""));
    await after[Symbol.asyncDispose]();
    await eventually("both have left", () => seen.ids === "");
  });

  test("is healthy, and reports when it is closed", async ({ registry }) => {
    assert.deepEqual(registry.health(), { ok: true });
    await registry[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    await assert.rejects(registry.putFunction(sampleRecord("f")), { code: "REGISTRY_UNAVAILABLE" });
  });
}
