/**
 * Answering: every invocation exactly once, with everybody told who wants to know.
 *
 * @module
 */

import { Bag } from "../base/bag.ts";
import type { Clock } from "../base/clock.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { InvocationResult } from "../model/invocation.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationEnd } from "./observer.ts";
import { describeEnd } from "./report.ts";

/** Who is told of answers. */
export interface AnswerListener {
  /** An invocation is about to be answered. */
  closed(invocation: Invocation): void;
  /** It has been answered; with an error if it failed. */
  ended(invocation: Invocation, end: InvocationEnd, error?: ServerledgeError): void;
}

/** Answers invocations, and knows which have no answer yet. */
export class Answers {
  readonly #open = new Bag<Invocation>();
  readonly #clock: Clock;
  readonly #listener: AnswerListener;
  #empty: (() => void) | undefined;

  /**
   * Nothing to answer yet.
   *
   * @param clock the node's clock
   * @param listener who is told of answers
   */
  constructor(clock: Clock, listener: AnswerListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Invocations without an answer. */
  get open(): Pick<Bag<Invocation>, "size" | "all"> {
    return this.#open;
  }

  /** An invocation that will want an answer. */
  expect(invocation: Invocation): void {
    this.#open.add(invocation);
  }

  /**
   * Answers with a result.
   *
   * @param reply what the function said, if it ran here
   */
  succeed(invocation: Invocation, result: InvocationResult, reply?: Reply): void {
    this.#close(invocation);
    invocation.succeed(result);
    const end = describeEnd(invocation, this.#clock.now(), undefined, reply);
    this.#listener.ended(invocation, end);
  }

  /**
   * Answers with an error.
   *
   * @param reply what the function said, if it ran here
   */
  fail(invocation: Invocation, error: ServerledgeError, reply?: Reply): void {
    this.#close(invocation);
    invocation.fail(error);
    const end = describeEnd(invocation, this.#clock.now(), error, reply);
    this.#listener.ended(invocation, end, error);
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
    this.#listener.closed(invocation);
    if (this.#open.size === 0) this.#empty?.();
  }
}
