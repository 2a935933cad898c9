import assert from "node:assert/strict";
import { BackOff } from "./back_off.ts";
import { ManualClock } from "./clock.ts";
import { StandbyPool } from "./standby_pool.ts";

class Item implements AsyncDisposable {
  isDisposed = false;
  readonly #ended = Promise.withResolvers<void>();
  readonly ended = this.#ended.promise;

  constructor(readonly id: number) {}

  end(): void {
    this.#ended.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    return Promise.resolve();
  }
}

/** Creates a pool of items whose starts the test completes. */
function setUp({ size = 1, timed = true } = {}) {
  const clock = new ManualClock();
  const started: Item[] = [];
  const errors: string[] = [];
  const pending: PromiseWithResolvers<Item | undefined>[] = [];
  const timing = { clock, delayMs: 50, backOff: new BackOff(1000, 4000) };
  const pool = new StandbyPool<Item>({
    size: () => size,
    start: () => {
      const start = Promise.withResolvers<Item | undefined>();
      pending.push(start);
      return start.promise;
    },
    onFailure: (message) => errors.push(message),
    ...(timed && { timing }),
  });
  const ids = () => pool.ready.map(({ id }) => id);
  /** Ends the start that is pending. */
  const finish = async (dispose?: () => Promise<void>): Promise<Item> => {
    const item = new Item(started.length);
    if (dispose) item[Symbol.asyncDispose] = dispose;
    started.push(item);
    pending.shift()!.resolve(item);
    await settle();
    return item;
  };
  return { clock, pool, pending, errors, ids, finish };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("StandbyPool: refill starts missing items one at a time after the delay", async () => {
  const { clock, pool, pending, ids, finish } = setUp({ size: 2 });
  pool.refill();
  pool.refill();
  clock.advance(49);
  assert.equal(pending.length, 0);
  clock.advance(1);
  assert.equal(pending.length, 1);
  await finish();
  assert.equal(pending.length, 1);
  await finish();
  assert.deepEqual([ids(), pending.length], [[0, 1], 0]);
  assert.equal(pool.take()!.id, 0);
  pool.refill();
  clock.advance(50);
  await finish();
  assert.deepEqual(ids(), [1, 2]);
});

Deno.test("StandbyPool: a failed start is reported and repeated after a growing back-off", async () => {
  const { clock, pool, pending, errors, ids, finish } = setUp();
  const filled = pool.filled();
  pending.shift()!.reject(new Error("no image"));
  await filled;
  pool.refill();
  await pool.filled();
  clock.advance(999);
  assert.equal(pending.length, 0);
  clock.advance(1);
  pending.shift()!.reject(new Error("no image"));
  await settle();
  clock.advance(1999);
  assert.equal(pending.length, 0);
  clock.advance(1);
  await finish();
  assert.deepEqual([ids(), errors], [[0], Array(2).fill("cannot be started: no image")]);
});

Deno.test("StandbyPool: without timing, starts at once and repeats a failed start on request", async () => {
  const { pool, pending, ids, finish } = setUp({ timed: false });
  pool.refill();
  pending.shift()!.reject(new Error("engine is away"));
  await settle();
  assert.equal(pending.length, 0);
  pool.refill();
  await finish();
  assert.deepEqual(ids(), [0]);
});

Deno.test("StandbyPool: an impossible start is not a failure, and is repeated on request", async () => {
  const { clock, pool, pending, errors, ids, finish } = setUp();
  const filled = pool.filled();
  pending.shift()!.resolve(undefined);
  pool.refill(); // while the start is pending
  await filled;
  clock.advance(50);
  await finish();
  assert.deepEqual([ids(), errors], [[0], []]);
});

Deno.test("StandbyPool: an item that ends is disposed, and replaced after the back-off", async () => {
  const { clock, pool, pending, errors, ids, finish } = setUp();
  void pool.filled();
  const first = await finish();
  first.end();
  await settle();
  assert.deepEqual([ids(), first.isDisposed, errors], [[], true, ["terminated unexpectedly"]]);
  clock.advance(999);
  assert.equal(pending.length, 0);
  clock.advance(1);
  const taken = await finish();
  pool.take(taken);
  taken.end();
  await settle();
  assert.equal(taken.isDisposed, false, "its owner disposes it");
});

Deno.test("StandbyPool: an item that ends during the next start is replaced only after the back-off", async () => {
  const { clock, pool, pending, ids, finish } = setUp({ size: 2 });
  void pool.filled();
  (await finish()).end();
  await settle();
  await finish();
  assert.deepEqual([ids(), pending.length], [[1], 0]);
  clock.advance(1000);
  await finish();
  assert.deepEqual(ids(), [1, 2]);
});

Deno.test("StandbyPool: a failed disposal is reported as such", async () => {
  const { pool, errors } = setUp();
  const item = new Item(0);
  item[Symbol.asyncDispose] = () => Promise.reject(new Error("engine is away"));
  pool.discard(item);
  await settle();
  assert.deepEqual(errors, ["cannot be removed: engine is away"]);
});

Deno.test("StandbyPool: failures at once, count as one", async () => {
  const { clock, pool, pending, finish } = setUp({ size: 2 });
  void pool.filled();
  const items = [await finish(), await finish()];
  for (const item of items) item.end();
  await settle();
  clock.advance(1000);
  pending.shift()!.reject(new Error("no image"));
  await settle();
  clock.advance(1999);
  assert.equal(pending.length, 0);
  clock.advance(1);
  assert.equal(pending.length, 1);
});

Deno.test("StandbyPool: postponed, starts after that time, and neither shortens nor extends a wait", async () => {
  const { clock, pool, pending, ids, finish } = setUp();
  pool.refill();
  pool.postpone(300);
  clock.advance(299);
  pool.postpone(300);
  assert.equal(pending.length, 0);
  clock.advance(1);
  pending.shift()!.reject(new Error("no image"));
  await settle();
  pool.postpone(300);
  clock.advance(999);
  assert.equal(pending.length, 0, "the first back-off");
  clock.advance(1);
  await finish();
  assert.deepEqual(ids(), [0]);
});

Deno.test("StandbyPool: a cancelled start's item cannot be disposed, reports it", async () => {
  const { pool, errors, finish } = setUp();
  void pool.filled();
  const cancelled = pool.cancelStart();
  await finish(() => Promise.reject(new Error("engine is away")));
  await cancelled;
  assert.deepEqual(errors, ["cannot be removed: engine is away"]);
});

Deno.test("StandbyPool: a cancelled start disposes its item", async () => {
  const { pool, ids, finish } = setUp();
  void pool.filled();
  const cancelled = pool.cancelStart();
  const item = await finish();
  await cancelled;
  assert.deepEqual([ids(), item.isDisposed], [[], true]);
});

Deno.test("StandbyPool: items beyond the size are disposed", async () => {
  const { pool, ids, finish } = setUp();
  void pool.filled();
  const item = await finish();
  const further = new Item(9);
  pool.add(further);
  assert.deepEqual([ids(), item.isDisposed, further.isDisposed], [[0], false, true]);
});

Deno.test("StandbyPool: disposing removes ready and starting items, and ends starts", async () => {
  const { clock, pool, pending, finish } = setUp({ size: 2 });
  void pool.filled();
  const items = [await finish()];
  const disposed = pool[Symbol.asyncDispose]();
  items.push(await finish());
  await disposed;
  pool.refill();
  clock.advance(10_000);
  assert.deepEqual(items.map(({ isDisposed }) => isDisposed), [true, true]);
  assert.equal(pending.length, 0);
});
