/**
 * Utilities for promises: limits, shared and owned tasks, time limits and signals.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./clock.ts";

/**
 * Semaphore with at most `limit` holders at a time. Others wait in order of arrival.
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

  /**
   * Creates a semaphore without holders.
   *
   * @param limit maximum number of concurrent holders
   */
  constructor(limit: number) {
    this.#free = limit;
  }

  /**
   * Waits for a turn.
   *
   * @param signal ends the wait
   * @returns a turn; disposing it returns it once
   * @throws the signal's reason if it is aborted first
   */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return this.#held();
  }

  /**
   * Takes a turn if one is free now.
   *
   * @returns undefined if no turn is free
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
 * Tasks that run once at a time for each key. Concurrent callers of the same key share its promise.
 *
 * @typeParam T result of the tasks
 */
export class SharedTasks<T> {
  readonly #running = new Map<string, Promise<T>>();

  /**
   * Returns the promise of the task that runs for the key, or starts one.
   *
   * @param task started only if no task is running for the key
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
 * Set of tasks whose owner waits for them before it ends.
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
   * Adds a task until it settles. The caller handles its failure.
   *
   * @param task running task
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
 * Waits for a promise up to a time limit. After it, the promise itself continues, and may fail.
 *
 * @param ms time limit, ms
 * @param onTimeout called after the time limit; returns the result instead of the promise, or throws
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
 * Waits for a time.
 *
 * @param ms time to wait, ms
 * @param signal ends the wait early, without an error
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/**
 * Waits for a promise until a signal is aborted. After it, the promise itself continues, and may fail.
 *
 * @param signal ends the wait
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
 * Creates a signal that is aborted with the first of its sources, until it is disposed.
 *
 * `AbortSignal.any` is not used: in Deno 2.7 its signals are collected as garbage although they have
 * listeners (https://github.com/denoland/deno/issues/29075), and those that are not collected remain
 * referenced by a long-lived source (https://github.com/denoland/deno/issues/24842).
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
   * @param task receives a signal that is aborted in both cases
   * @throws the reason of the abortion, or the task's error
   */
  async run<T>(signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using either = eitherSignal(signal, this.#closing.signal);
    either.signal.throwIfAborted();
    return await this.#tasks.add(task(either.signal));
  }

  /** Aborts all current and future tasks. Resolves when all have settled. */
  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason);
    await this.#tasks.settled();
  }
}

/**
 * Creates a signal that is aborted after a time, or with the first of its sources, until it is disposed.
 *
 * @param ms time until it is aborted with a `TimeoutError`, as by `AbortSignal.timeout`, ms
 * @param sources signals whose reason is adopted
 */
export function timeLimit(
  clock: Pick<Clock, "after">,
  ms: number,
  ...sources: readonly AbortSignal[]
): Disposable & { readonly signal: AbortSignal } {
  const timeout = new AbortController();
  const cancel = clock.after(ms, () => {
    timeout.abort(new DOMException("Signal timed out.", "TimeoutError"));
  });
  const either = eitherSignal(timeout.signal, ...sources);
  return {
    signal: either.signal,
    [Symbol.dispose]() {
      cancel();
      either[Symbol.dispose]();
    },
  };
}
