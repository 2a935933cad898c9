import assert from "node:assert/strict";
import { QuotedText } from "../../json/quoted.ts";
import { reportNames } from "../../model/invocation.ts";
import { sampleReport } from "../../../tests/support/fakes/fake_services.ts";
import type { AsyncResult } from "../registry.ts";
import { maxSize, maxWaiting, ResultJournal } from "./result_journal.ts";

const failed = (message: string): AsyncResult => ({ state: "failed", code: "INTERNAL", message });
const pending: AsyncResult = { state: "pending", node: "n", since: 5 };

/** Result with a return value of this many bytes, which no test reads. */
function long(bytes: number): AsyncResult {
  const json = new Uint8Array(bytes + 2);
  const report = reportNames.fromWire(sampleReport);
  return { state: "done", report: { ...report, result: new QuotedText(json) } };
}

/** Returns the ids in the order in which they were written. */
function order(journal: ResultJournal): string[] {
  const ids: string[] = [];
  for (let next = journal.after(0); next; next = journal.after(next.seq)) ids.push(next.id);
  return ids;
}

Deno.test("ResultJournal: keeps the state of an invocation until it is removed", async () => {
  using journal = new ResultJournal(":memory:");
  assert.equal(journal.get("a"), undefined);
  assert.equal(await journal.put("a", failed("why"), 1000.5), true);
  const kept = journal.get("a")!;
  assert.deepEqual([kept.id, await journal.result(kept), kept.expiresAt], [
    "a",
    failed("why"),
    1001,
  ]);
  await journal.remove(kept);
  assert.deepEqual([journal.get("a"), journal.count], [undefined, 0]);
});

Deno.test("ResultJournal: returns results in the order of their last writes", async () => {
  using journal = new ResultJournal(":memory:");
  for (const id of ["a", "b", "c"]) await journal.put(id, pending, 1);
  await journal.put("a", failed("a"), 1);
  assert.deepEqual(order(journal), ["b", "c", "a"]);
  assert.equal(journal.count, 3);
});

Deno.test("ResultJournal: removing a state that was read leaves a newer one", async () => {
  using journal = new ResultJournal(":memory:");
  await journal.put("a", pending, 1);
  const read = journal.get("a")!;
  await journal.put("a", failed("newer"), 1);
  await journal.remove(read);
  assert.deepEqual(await journal.result(journal.get("a")!), failed("newer"));
  assert.equal(journal.count, 1);
});

Deno.test("ResultJournal: pending returns invocations that have not ended", async () => {
  using journal = new ResultJournal(":memory:");
  await journal.put("a", pending, 10);
  await journal.put("b", failed("b"), 20);
  await journal.put("c", pending, 30);
  assert.deepEqual(journal.pending(), [{ id: "a", expiresAt: 10 }, { id: "c", expiresAt: 30 }]);
});

Deno.test("ResultJournal: when full accepts only updates of its own invocations", async () => {
  using journal = new ResultJournal(":memory:");
  for (let at = 0; at < maxWaiting; at++) {
    assert.equal(await journal.put(`f-${at}`, pending, 1), true);
  }
  assert.equal(await journal.put("one more", pending, 1), false);
  assert.equal(await journal.put("f-0", failed("fresh"), 1), true);
  assert.equal(journal.count, maxWaiting);
  await journal.remove(journal.get("f-1")!);
  assert.equal(await journal.put("one more", pending, 1), true);
});

Deno.test("ResultJournal: a long result counts while it is written, and no more if that fails", async () => {
  const journal = new ResultJournal(":memory:");
  const writing = journal.put("a", long(maxSize), 1);
  assert.equal(journal.putShort("b", pending, 1), false);
  assert.equal(await journal.put("c", long(2 << 20), 1), false);
  assert.equal(journal.count, 1);
  journal[Symbol.dispose]();
  await assert.rejects(writing);
  assert.deepEqual([journal.count, journal.size], [0, 0]);
});

Deno.test("ResultJournal: long results written at the same time keep to the maximum number", async () => {
  using journal = new ResultJournal(":memory:");
  for (let at = 1; at < maxWaiting; at++) journal.putShort(`f-${at}`, pending, 1);
  const result = long(2 << 20);
  const writes = ["a", "b", "f-1"].map((id) => journal.put(id, result, 1));
  assert.deepEqual(await Promise.all(writes), [true, false, true]);
  assert.equal(journal.count, maxWaiting);
  await journal.remove(journal.get("a")!);
  await journal.remove(journal.get("f-1")!);
  assert.equal(journal.count, maxWaiting - 2);
});

Deno.test("ResultJournal: sizes are bytes of short and of long results", async () => {
  using journal = new ResultJournal(":memory:");
  const result = failed("è€\u{1f600}");
  await journal.put("a", result, 1);
  const shortBytes = new TextEncoder().encode(JSON.stringify(result)).length;
  assert.deepEqual([journal.get("a")?.size, journal.size], [shortBytes, shortBytes]);
  await journal.put("b", long(2 << 20), 1);
  assert.equal(journal.size, shortBytes + journal.get("b")!.size);
  assert(journal.get("b")!.size > 2 << 20);
});
