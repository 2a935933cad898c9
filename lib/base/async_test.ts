import assert from "node:assert/strict";
import {
  abortable,
  AbortableTasks,
  eitherSignal,
  pause,
  TaskSet,
  timeLimit,
  withTimeout,
} from "./async.ts";
import { ManualClock } from "./clock.ts";

Deno.test("eitherSignal: adopts the reason of the first aborted source", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  using either = eitherSignal(one.signal, other.signal);
  assert.equal(either.signal.aborted, false);
  other.abort("second");
  one.abort("first");
  assert.equal(either.signal.reason, "second");
});

Deno.test("eitherSignal: is aborted from the start if a source is aborted", () => {
  using either = eitherSignal(new AbortController().signal, AbortSignal.abort("before"));
  assert.equal(either.signal.reason, "before");
});

Deno.test("eitherSignal: ignores its sources after it is disposed", () => {
  const control = new AbortController();
  const either = eitherSignal(control.signal);
  either[Symbol.dispose]();
  control.abort("late");
  assert.equal(either.signal.aborted, false);
});

Deno.test("TaskSet: settles when all tasks have ended, including failed and later ones", async () => {
  const tasks = new TaskSet();
  const [first, second] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()];
  const kept = tasks.add(first.promise);
  let settled = false;
  const waiting = tasks.settled().then(() => settled = true);
  void tasks.add(second.promise).catch(() => {});
  first.resolve(7);
  assert.equal(await kept, 7);
  await Promise.resolve();
  assert.equal(settled, false);
  second.reject(new Error("failed"));
  await waiting;
});

Deno.test("withTimeout: returns the first result, or throws the promise's or timeout's error", async () => {
  const never = new Promise<never>(() => {});
  assert.equal(await withTimeout(Promise.resolve(1), 60_000), 1);
  assert.equal(await withTimeout(never, 0), undefined);
  assert.equal(await withTimeout(never, 0, () => "late"), "late");
  const late = () => {
    throw new RangeError("late");
  };
  await assert.rejects(withTimeout(never, 0, late), RangeError);
  await assert.rejects(withTimeout(Promise.reject(new TypeError("own")), 60_000, late), TypeError);
});

Deno.test("pause: ends early without an error if its signal is aborted", async () => {
  const control = new AbortController();
  const pausing = pause(60_000, control.signal);
  control.abort();
  await pausing;
  await pause(60_000, control.signal);
});

Deno.test("AbortableTasks: close aborts running and later tasks, and waits for them", async () => {
  const tasks = new AbortableTasks();
  const never = new AbortController().signal;
  const running = tasks.run(never, (signal) => abortable(new Promise<void>(() => {}), signal));
  assert.equal(await tasks.run(never, () => Promise.resolve(1)), 1);
  const closed = tasks.close(new Error("closed"));
  await assert.rejects(running, { message: "closed" });
  await closed;
  await assert.rejects(tasks.run(never, () => Promise.resolve(1)), { message: "closed" });
});

Deno.test("timeLimit: aborts with the reason of a timeout", () => {
  const clock = new ManualClock();
  using limit = timeLimit(clock, 100, new AbortController().signal);
  clock.advance(99);
  assert.equal(limit.signal.aborted, false);
  clock.advance(1);
  const { name, message } = limit.signal.reason;
  assert.deepEqual([name, message], ["TimeoutError", "Signal timed out."]);
});
