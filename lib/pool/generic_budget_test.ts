import assert from "node:assert/strict";
import { ResourceLedger } from "./resource_ledger.ts";
import { GenericBudget } from "./generic_budget.ts";

const nothing = () => Promise.resolve();

Deno.test("spares hold memory as idle instances do, up to a quarter of all", () => {
  const ledger = new ResourceLedger({ memoryMib: 256, cpu: 1 });
  const books = new GenericBudget(ledger);
  const first = books.reserve(32, nothing)!;
  assert.ok(books.reserve(32, nothing));
  assert.equal(books.reserve(1, nothing), undefined);
  assert.deepEqual([ledger.balance.warmMemory, books.memoryMib], [64, 64]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.deepEqual([ledger.balance.warmMemory, books.memoryMib], [32, 32]);
});

Deno.test("spares take only what is free", () => {
  const ledger = new ResourceLedger({ memoryMib: 256, cpu: 1 });
  ledger.tryReserve({ memoryMib: 240, cpu: 0 }, "busy");
  assert.equal(new GenericBudget(ledger).reserve(32, nothing), undefined);
});

Deno.test("an evicted spare gives its memory back before it is gone, and only once", async () => {
  const ledger = new ResourceLedger({ memoryMib: 256, cpu: 1 });
  const books = new GenericBudget(ledger);
  const { promise, resolve } = Promise.withResolvers<void>();
  const booking = books.reserve(32, () => promise)!;
  const evicted = books.reserved[0]!.evict();
  assert.deepEqual([ledger.freeMemory, books.reserved.length], [256, 0]);
  booking[Symbol.dispose]();
  assert.equal(ledger.freeMemory, 256);
  resolve();
  await evicted;
});
