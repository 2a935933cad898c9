/**
 * Results of async invocations on real files, in front of a real registry that a test takes away.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { BodyBudget } from "../../lib/api/body_budget.ts";
import { ManualClock } from "../../lib/base/clock.ts";
import { type ErrorCode, ServerledgeError } from "../../lib/base/errors.ts";
import { DurableResults } from "../../lib/registry/local/durable_results.ts";
import type { AsyncResult, Registry, RegistryHealth } from "../../lib/registry/registry.ts";
import { maxWaiting, ResultJournal } from "../../lib/registry/local/result_journal.ts";
import { QuotedText } from "../../lib/json/quoted.ts";
import { openSqlite } from "../../lib/registry/local/registry.ts";
import { sampleReport } from "../support/fakes/fake_services.ts";
import { reportNames } from "../../lib/model/invocation.ts";
import { eventually } from "../support/eventually.ts";
import { tempDir } from "../support/temp_dir.ts";

const pending: AsyncResult = { state: "pending", node: "me", since: 0 };
const done: AsyncResult = { state: "done", report: reportNames.fromWire(sampleReport) };
const interrupted: AsyncResult = {
  state: "failed",
  code: "FUNCTION_CRASHED",
  message: "restarted",
};
const hour = 3_600_000;

/** A registry on a file that can be taken away, before anybody notices or after. */
class Takeable {
  readonly inner: Registry;
  problem: ErrorCode | undefined;
  noticed = true;

  constructor(clock: ManualClock) {
    this.inner = openSqlite(":memory:", clock);
  }

  health(): RegistryHealth {
    return this.problem === "REGISTRY_UNAVAILABLE" && this.noticed
      ? { ok: false, reason: "away", sinceMs: 1 }
      : { ok: true };
  }

  putResult(id: string, result: AsyncResult, ttlMs: number): Promise<void> {
    return this.#reached(() => this.inner.putResult(id, result, ttlMs));
  }

  getResult(id: string): Promise<AsyncResult | undefined> {
    return this.#reached(() => this.inner.getResult(id));
  }

  pendingResults(node: string): Promise<string[]> {
    return this.#reached(() => this.inner.pendingResults(node));
  }

  #reached<T>(step: () => Promise<T>): Promise<T> {
    if (this.problem) return Promise.reject(new ServerledgeError(this.problem, "away"));
    return step();
  }
}

/** A folder in which nodes start, one after the other. */
async function setUp() {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir("results"));
  const clock = new ManualClock();
  const registry = new Takeable(clock);
  stack.use(registry.inner);
  const start = () => {
    const journal = new ResultJournal(`${dir.path}/results.db`);
    const takeMemory = () => new BodyBudget(16 << 20).take(0);
    const results = new DurableResults({ registry, journal, takeMemory, clock, interrupted });
    return { journal, results };
  };
  const owned = stack.move();
  return {
    clock,
    registry,
    start,
    path: dir.path,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Lets time pass, and what comes due be done. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

Deno.test("results go to the registry while it is available", async () => {
  await using world = await setUp();
  const { results } = world.start();
  await using _ = results;
  await results.putResult("f-1", done, hour);
  assert.equal(results.waiting, 0);
  assert.deepEqual(await world.registry.inner.getResult("f-1"), done);
});

for (const noticed of [true, false]) {
  Deno.test(`results for an unavailable registry, ${noticed ? "noticed" : "unnoticed"}, are kept, then written`, async () => {
    await using world = await setUp();
    const { clock, registry } = world;
    const { results } = world.start();
    await using _ = results;
    registry.problem = "REGISTRY_UNAVAILABLE";
    registry.noticed = noticed;
    await results.putResult("f-1", pending, hour);
    await results.putResult("f-2", pending, hour);
    await results.putResult("f-1", done, hour);
    assert.deepEqual(await results.getResult("f-1"), done);
    assert.deepEqual(await results.getResult("f-2"), pending);
    await assert.rejects(results.getResult("f-3"), { code: "REGISTRY_UNAVAILABLE" });
    await pass(clock, 5_000);
    assert.equal(results.waiting, 2);
    registry.problem = undefined;
    await pass(clock, 1_000);
    assert.equal(results.waiting, 0);
    assert.deepEqual(await registry.inner.getResult("f-1"), done);
    assert.deepEqual(await results.getResult("f-2"), pending);
    await results.putResult("f-2", done, hour);
    assert.deepEqual(await registry.inner.getResult("f-2"), done);
  });
}

Deno.test("a crash before they are written loses no result silently", async () => {
  await using world = await setUp();
  const { clock, registry } = world;
  registry.problem = "REGISTRY_UNAVAILABLE";
  const crashed = world.start();
  await crashed.results.putResult("f-1", done, hour);
  await crashed.results.putResult("f-2", pending, hour);
  crashed.journal[Symbol.dispose](); // Nothing else is done.
  const { results } = world.start();
  await using _ = results;
  assert.deepEqual(await results.getResult("f-1"), done);
  assert.deepEqual(await results.getResult("f-2"), interrupted);
  registry.problem = undefined;
  await pass(clock, 1_000);
  assert.deepEqual(await registry.inner.getResult("f-1"), done);
  assert.deepEqual(await registry.inner.getResult("f-2"), interrupted);
});

Deno.test("DurableResults: keeps a long result in parts until the registry has it", async () => {
  await using world = await setUp();
  const { clock, registry } = world;
  const json = new TextEncoder().encode(JSON.stringify("\n".repeat(2 << 20)));
  const result: AsyncResult = {
    ...done,
    report: { ...done.report, result: new QuotedText(json) },
  };
  const isRead = (read: AsyncResult | undefined) =>
    read?.state === "done" && read.report.result instanceof QuotedText &&
    Buffer.compare(read.report.result.json, json) === 0;
  registry.problem = "REGISTRY_UNAVAILABLE";
  const crashed = world.start();
  await crashed.results.putResult("f-1", pending, hour);
  await crashed.results.putResult("f-1", result, hour);
  assert.equal(crashed.results.waiting, 1);
  assert.ok(isRead(await crashed.results.getResult("f-1")));
  await assert.rejects(
    crashed.results.getResult("f-1", () => {
      throw new ServerledgeError("NODE_SATURATED", "no room");
    }),
    { code: "NODE_SATURATED" },
  );
  crashed.journal[Symbol.dispose](); // Nothing else is done.
  const { results, journal } = world.start();
  await using _ = results;
  assert.equal(journal.get("f-1")?.size, journal.size);
  assert.ok(isRead(await results.getResult("f-1")));
  registry.problem = undefined;
  clock.advance(1_000);
  await eventually("the registry has it", () => results.waiting === 0);
  assert.ok(isRead(await registry.inner.getResult("f-1")));
  assert.equal(journal.size, 0);
});

Deno.test("DurableResults: drops a damaged long result, and the others reach the registry", async () => {
  await using world = await setUp();
  const { clock, registry } = world;
  const json = new TextEncoder().encode(JSON.stringify("x".repeat(2 << 20)));
  const result = { ...done, report: { ...done.report, result: new QuotedText(json) } };
  registry.problem = "REGISTRY_UNAVAILABLE";
  const crashed = world.start();
  await crashed.results.putResult("f-1", result, hour);
  await crashed.results.putResult("f-2", done, hour);
  crashed.journal[Symbol.dispose]();
  {
    using file = new DatabaseSync(`${world.path}/results.db`);
    const damage = "UPDATE parts SET bytes = zeroblob(length(bytes)) WHERE at = 0";
    assert.equal(file.prepare(damage).run().changes, 1);
  }
  const { results } = world.start();
  await using _ = results;
  await assert.rejects(results.getResult("f-1"), { code: "REGISTRY_UNAVAILABLE" });
  registry.problem = undefined;
  assert.equal(await results.getResult("f-1"), undefined);
  clock.advance(1_000);
  await eventually("the registry has the other", () => results.waiting === 0);
  assert.deepEqual(await registry.inner.getResult("f-2"), done);
  assert.equal(await registry.inner.getResult("f-1"), undefined);
});

Deno.test("a node that stops writes the results that it can, and the next one the others", async () => {
  await using world = await setUp();
  const { clock, registry } = world;
  registry.problem = "REGISTRY_UNAVAILABLE";
  const first = world.start();
  await first.results.putResult("f-1", done, hour);
  await first.results[Symbol.asyncDispose]();
  const second = world.start();
  assert.equal(second.results.waiting, 1);
  registry.problem = undefined;
  await second.results.putResult("f-2", done, hour);
  await second.results[Symbol.asyncDispose]();
  assert.deepEqual(await registry.inner.getResult("f-1"), done);
  assert.equal(clock.now(), 0);
});

Deno.test("results that have expired are not written", async () => {
  await using world = await setUp();
  const { clock, registry } = world;
  const { results } = world.start();
  await using _ = results;
  registry.problem = "REGISTRY_UNAVAILABLE";
  await results.putResult("f-1", done, 10_000);
  await pass(clock, 10_000);
  await assert.rejects(results.getResult("f-1"), { code: "REGISTRY_UNAVAILABLE" });
  registry.problem = undefined;
  await pass(clock, 1_000);
  assert.equal(results.waiting, 0);
  assert.equal(await registry.inner.getResult("f-1"), undefined);
});

Deno.test("a limited number of results waits, and those that wait may be completed", async () => {
  await using world = await setUp();
  const { results } = world.start();
  await using _ = results;
  world.registry.problem = "REGISTRY_UNAVAILABLE";
  for (let k = 0; k < maxWaiting; k++) await results.putResult(`f-${k}`, pending, hour);
  await assert.rejects(results.putResult("more", pending, hour), { code: "REGISTRY_UNAVAILABLE" });
  await results.putResult("f-7", done, hour);
  assert.deepEqual(await results.getResult("f-7"), done);
  assert.equal(results.waiting, maxWaiting);
});

Deno.test("a result that the registry never takes has failed, and the others go on", async () => {
  await using world = await setUp();
  const { clock, registry } = world;
  const { results } = world.start();
  await using _ = results;
  registry.problem = "REGISTRY_UNAVAILABLE";
  await results.putResult("f-1", done, hour);
  await results.putResult("f-2", done, hour);
  registry.problem = undefined;
  const { inner } = registry;
  const take = inner.putResult.bind(inner);
  inner.putResult = (id, result, ttlMs) =>
    id === "f-1" && result.state === "done"
      ? Promise.reject(new ServerledgeError("PAYLOAD_TOO_LARGE", "too large"))
      : take(id, result, ttlMs);
  await pass(clock, 1_000);
  assert.equal(results.waiting, 0);
  assert.deepEqual(await inner.getResult("f-1"), {
    state: "failed",
    code: "PAYLOAD_TOO_LARGE",
    message: "too large",
  });
  assert.deepEqual(await inner.getResult("f-2"), done);
});
