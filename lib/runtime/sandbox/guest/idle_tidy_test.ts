import assert from "node:assert/strict";
import { IdleTidy } from "./idle_tidy.ts";

const mib = 1 << 20;

function setUp() {
  const state = { heap: 10 * mib, busy: false, collections: 0, takesMs: 10, now: 0 };
  const timers: (() => void)[] = [];
  const tidy = new IdleTidy({
    heapBytes: () => state.heap,
    collect: () => {
      state.collections++;
      state.now += state.takesMs;
      state.heap = 12 * mib;
    },
    busy: () => state.busy,
    after: (_ms, callback) => void timers.push(callback),
    now: () => state.now,
  });
  return { state, tidy, timers, pass: () => timers.shift()!() };
}

Deno.test("IdleTidy: a grown heap is collected once when the sandbox becomes idle", () => {
  const { state, tidy, timers, pass } = setUp();
  for (let n = 0; n < 3; n++) tidy.worked();
  assert.equal(timers.length, 1);
  state.heap = 40 * mib;
  pass();
  assert.equal(state.collections, 0, "there were calls since the timer was set");
  pass();
  assert.deepEqual([state.collections, timers.length], [1, 0]);
});

Deno.test("IdleTidy: no collection after a small growth or during a long call", () => {
  const { state, tidy, timers, pass } = setUp();
  tidy.worked();
  state.busy = true;
  state.heap = 40 * mib;
  for (let n = 0; n < 5; n++) pass();
  assert.equal(state.collections, 0);
  state.busy = false;
  state.heap = 17 * mib;
  pass();
  assert.deepEqual([state.collections, timers.length], [0, 0]);
});

Deno.test("IdleTidy: a slow collection is not repeated", () => {
  const { state, tidy, timers, pass } = setUp();
  tidy.worked();
  state.heap = 400 * mib;
  state.takesMs = 1000;
  pass();
  pass();
  tidy.worked();
  assert.deepEqual([state.collections, timers.length], [1, 0]);
});
