/**
 * Answering: every invocation exactly once, with everybody told who wants to know.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { Report } from "../model/invocation.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationObserver } from "./observer.ts";
import { describeEnd } from "./report.ts";

/** Answers invocations, and knows which have no answer yet. */
export class Answers {
  readonly #open = new Set<Invocation>();
  readonly #clock: Clock;
  readonly #observer: InvocationObserver;
  readonly #closed: (invocation: Invocation) => void;
  #empty: (() => void) | undefined;

  /**
   * Nothing to answer yet.
   *
   * @param clock the node's clock
   * @param observer hears how invocations end
   * @param closed called just before an invocation is answered
   */
  constructor(
    clock: Clock,
    observer: InvocationObserver,
    closed: (invocation: Invocation) => void,
  ) {
    this.#clock = clock;
    this.#observer = observer;
    this.#closed = closed;
  }

  /** Invocations without an answer. */
  get open(): ReadonlySet<Invocation> {
    return this.#open;
  }

  /** An invocation that will want an answer. */
  expect(invocation: Invocation): void {
    this.#open.add(invocation);
  }

  /**
   * Answers with a report.
   *
   * @param reply what the function said, if it ran here
   */
  succeed(invocation: Invocation, report: Report, reply?: Reply): void {
    this.#close(invocation);
    invocation.succeed(report);
    this.#observer.ended(describeEnd(invocation, this.#clock.now(), undefined, reply));
  }

  /**
   * Answers with an error.
   *
   * @param reply what the function said, if it ran here
   */
  fail(invocation: Invocation, error: ServerledgeError, reply?: Reply): void {
    this.#close(invocation);
    invocation.fail(error);
    this.#observer.ended(describeEnd(invocation, this.#clock.now(), error, reply));
  }

  /** Waits until all are answered, but not longer than that many milliseconds. */
  async settled(boundMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#empty = resolve;
    const stop = this.#clock.after(boundMs, resolve);
    await promise;
    stop();
  }

  #close(invocation: Invocation): void {
    invocation.deadline?.[Symbol.dispose]();
    this.#open.delete(invocation);
    this.#closed(invocation);
    if (this.#open.size === 0) this.#empty?.();
  }
}
