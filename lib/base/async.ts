/**
 * Small tools for promises with an owner and an end.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./clock.ts";

/**
 * Lets at most `limit` holders in at a time; the others wait in order of arrival.
 *
 * @example
 * ```ts
 * const starts = new Semaphore(2);
 * using _turn = await starts.acquire();
 * ```
 */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param limit how many may hold it at once */
  constructor(limit: number) {
    this.#free = limit;
  }

  /**
   * Waits for a turn.
   *
   * @param signal gives up waiting
   * @returns a turn, given back once when disposed
   * @throws the signal's reason if it is aborted first
   */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return this.#held();
  }

  /**
   * Takes a turn if one is free at once.
   *
   * @returns undefined if none is
   */
  tryAcquire(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#held();
  }

  #held(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const next = this.#waiting.shift();
        if (next) next();
        else this.#free++;
      },
    };
  }

  #turn(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        const at = this.#waiting.indexOf(enter);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal!.reason);
      };
      this.#waiting.push(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}

/**
 * Runs one task at a time per key: concurrent callers of the same key share its promise.
 *
 * @typeParam T what the task results in
 */
export class SharedTasks<T> {
  readonly #running = new Map<string, Promise<T>>();

  /**
   * Joins the task that runs for the key, or starts it.
   *
   * @param task started only if none is running for the key
   */
  run(key: string, task: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running) return running;
    const started = task().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}

/**
 * Tasks with an owner, which waits for them before it ends.
 *
 * @example
 * ```ts
 * const tasks = new TaskSet();
 * tasks.add(pause(10)).then(() => console.log("done"));
 * await tasks.settled();
 * ```
 */
export class TaskSet {
  readonly #running = new Set<Promise<void>>();

  /**
   * Keeps a task until it settles. Failures are handled by its caller.
   *
   * @param task has begun
   * @returns the task
   */
  add<T>(task: Promise<T>): Promise<T> {
    const ended: Promise<void> = task.then(() => {}, () => {}).finally(() => {
      this.#running.delete(ended);
    });
    this.#running.add(ended);
    return task;
  }

  /** Resolves when all tasks have settled. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

/**
 * Waits for a promise up to a time limit. The promise itself continues, and may fail.
 *
 * @param promise what to wait for
 * @param ms how long
 * @param onTimeout called when that time is over: gives the result instead, or throws
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const slow = pause(60_000, AbortSignal.timeout(100)).then(() => "answer");
 * assert(await withTimeout(slow, 5, () => "too late") === "too late");
 * await slow;
 * ```
 */
export async function withTimeout<T, L = undefined>(
  promise: Promise<T>,
  ms: number,
  onTimeout?: () => L,
): Promise<T | L> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    return await Promise.race([promise, timeout.then(onTimeout as () => L)]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits.
 *
 * @param ms how long
 * @param signal ends the wait early, without an error
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/**
 * Waits for a promise until a signal is aborted. The promise itself continues, and may
 * fail.
 *
 * @param signal when to stop waiting
 * @throws the signal's reason if it is aborted first
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/**
 * A signal that is aborted with the first of others, until it is disposed.
 *
 * Not `AbortSignal.any`: in Deno 2.7 its signals are collected as garbage although somebody listens
 * to them (https://github.com/denoland/deno/issues/29075), and those that are not stay with a signal
 * that lives long (https://github.com/denoland/deno/issues/24842).
 *
 * @param sources signals whose reason is adopted
 */
export function eitherSignal(
  ...sources: readonly AbortSignal[]
): Disposable & { readonly signal: AbortSignal } {
  const control = new AbortController();
  const detached = new AbortController();
  for (const source of sources) {
    const abort = () => control.abort(source.reason);
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { signal: detached.signal });
  }
  return { signal: control.signal, [Symbol.dispose]: () => detached.abort() };
}

/** Tasks that are aborted when their owner closes. */
export class AbortableTasks {
  readonly #closing = new AbortController();
  readonly #tasks = new TaskSet();

  /**
   * Runs a task.
   *
   * @param signal aborts the task before its owner closes
   * @param task gets a signal that is aborted in both cases
   * @throws the reason of the abortion, or the task's error
   */
  async run<T>(signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using either = eitherSignal(signal, this.#closing.signal);
    either.signal.throwIfAborted();
    return await this.#tasks.add(task(either.signal));
  }

  /** Aborts all tasks, now and in future; resolves when none is left. */
  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason);
    await this.#tasks.settled();
  }
}

/**
 * A signal that is aborted after a time, or with the first of others, until it is disposed.
 *
 * @param ms how long
 * @param sources as in {@link eitherSignal}
 */
export function timeLimit(
  clock: Pick<Clock, "after">,
  ms: number,
  ...sources: readonly AbortSignal[]
): Disposable & { readonly signal: AbortSignal } {
  const timeout = new AbortController();
  const cancel = clock.after(ms, () => timeout.abort());
  const either = eitherSignal(timeout.signal, ...sources);
  return {
    signal: either.signal,
    [Symbol.dispose]() {
      cancel();
      either[Symbol.dispose]();
    },
  };
}
