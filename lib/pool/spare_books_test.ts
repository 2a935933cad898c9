import assert from "node:assert/strict";
import { Ledger } from "./ledger.ts";
import { SpareBooks } from "./spare_books.ts";

const nothing = () => Promise.resolve();

Deno.test("spares hold memory as idle instances do, up to a quarter of all", () => {
  const ledger = new Ledger({ memoryMib: 256, cpu: 1 });
  const books = new SpareBooks(ledger);
  const first = books.take(32, nothing)!;
  assert.ok(books.take(32, nothing));
  assert.equal(books.take(1, nothing), undefined);
  assert.deepEqual([ledger.balance.warmMemory, books.memoryMib], [64, 64]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.deepEqual([ledger.balance.warmMemory, books.memoryMib], [32, 32]);
});

Deno.test("spares take only what is free", () => {
  const ledger = new Ledger({ memoryMib: 256, cpu: 1 });
  ledger.tryReserve({ memoryMib: 240, cpu: 0 }, "busy");
  assert.equal(new SpareBooks(ledger).take(32, nothing), undefined);
});

Deno.test("an evicted spare gives its memory back before it is gone, and only once", async () => {
  const ledger = new Ledger({ memoryMib: 256, cpu: 1 });
  const books = new SpareBooks(ledger);
  const { promise, resolve } = Promise.withResolvers<void>();
  const booking = books.take(32, () => promise)!;
  const evicted = books.spares[0]!.evict();
  assert.deepEqual([ledger.freeMemory, books.spares.length], [256, 0]);
  booking[Symbol.dispose]();
  assert.equal(ledger.freeMemory, 256);
  resolve();
  await evicted;
});
