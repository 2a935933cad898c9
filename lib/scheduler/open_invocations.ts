/**
 * Completes each invocation exactly once, and reports the outcome to listeners.
 *
 * @module
 */

import { Bag } from "../base/bag.ts";
import type { Clock } from "../base/clock.ts";
import type { ServerledgeError } from "../base/errors.ts";
import type { InvocationResult } from "../model/invocation.ts";
import type { Reply } from "../runtime/environment.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationOutcome } from "./observer.ts";
import { outcomeRecord } from "./report.ts";

/** Is notified when invocations complete. */
export interface CompletionListener {
  /** Handles an invocation before its result or error is set. */
  settling(invocation: Invocation): void;
  /** Handles a completed invocation; the error is that of a failed one. */
  settled(invocation: Invocation, end: InvocationOutcome, error?: ServerledgeError): void;
}

/** Open invocations, and the only place where they are completed. */
export class OpenInvocations {
  readonly #open = new Bag<Invocation>();
  readonly #clock: Clock;
  readonly #listener: CompletionListener;
  #empty: (() => void) | undefined;

  /**
   * Creates an empty set.
   *
   * @param listener receives each completion
   */
  constructor(clock: Clock, listener: CompletionListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Invocations that are not completed. */
  get open(): Pick<Bag<Invocation>, "size" | "all"> {
    return this.#open;
  }

  /** Adds an open invocation. */
  add(invocation: Invocation): void {
    this.#open.add(invocation);
  }

  /**
   * Completes an invocation with a result.
   *
   * @param reply of the function, if it ran on this node
   */
  succeed(invocation: Invocation, result: InvocationResult, reply?: Reply): void {
    this.#settle(invocation);
    invocation.succeed(result);
    const end = outcomeRecord(invocation, this.#clock.now(), undefined, reply);
    this.#listener.settled(invocation, end);
  }

  /**
   * Completes an invocation with an error.
   *
   * @param reply of the function, if it ran on this node
   */
  fail(invocation: Invocation, error: ServerledgeError, reply?: Reply): void {
    this.#settle(invocation);
    invocation.fail(error);
    const end = outcomeRecord(invocation, this.#clock.now(), error, reply);
    this.#listener.settled(invocation, end, error);
  }

  /** Waits until every invocation is completed, for at most `boundMs`. */
  async allSettled(boundMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#empty = resolve;
    const stop = this.#clock.after(boundMs, resolve);
    await promise;
    stop();
  }

  #settle(invocation: Invocation): void {
    invocation.deadline?.[Symbol.dispose]();
    this.#open.delete(invocation);
    this.#listener.settling(invocation);
    if (this.#open.size === 0) this.#empty?.();
  }
}
