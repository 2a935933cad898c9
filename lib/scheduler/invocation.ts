/**
 * One request on its way through the node, from arrival to its single answer.
 *
 * @module
 */

import type { Deadline } from "../base/deadlines.ts";
import type { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { InvokeRequest, Report } from "../model/invocation.ts";
import type { Lease } from "../pool/lease.ts";
import type { Waiter } from "./wait_queue.ts";

/** The execution of an invocation: where it runs and since when. */
export interface Execution {
  /** Its hold on the instance. */
  readonly lease: Lease;
  /** When the instance was called, on the node's clock. */
  readonly startedAt: number;
  /** True if an instance was started for it. */
  readonly cold: boolean;
}

/** One request. Its `done` settles exactly once. */
export class Invocation implements Waiter {
  /** Unguessable: whoever knows it may poll the result. */
  readonly id: string;
  /** The report, or a `ServerledgeError`. */
  readonly done: Promise<Report>;
  /** True if it was admitted because an instance could be started for it. */
  promised = false;
  /** True if it had to wait, for resources or for a start. */
  waited = false;
  /** Set once it runs. */
  execution: Execution | undefined;
  /** What interrupts it: while it waits, while it runs, while it is being stopped. */
  deadline: Deadline | undefined;
  /** True once it has its answer. */
  settled = false;
  readonly #resolve: (report: Report) => void;
  readonly #reject: (error: ServerledgeError) => void;
  readonly #cancel: (invocation: Invocation) => void;

  /**
   * A request that has just arrived.
   *
   * @param record the function it asks for
   * @param request what it sends
   * @param arrivedAt on the node's clock
   * @param cancel called when its client leaves
   */
  constructor(
    public record: FunctionRecord,
    readonly request: InvokeRequest,
    readonly arrivedAt: number,
    cancel: (invocation: Invocation) => void,
  ) {
    this.id = `${record.Name}-${randomId()}`;
    const { promise, resolve, reject } = Promise.withResolvers<Report>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#cancel = cancel;
  }

  /** When its answer becomes useless, on the node's clock; infinite if it did not say. */
  get answerBy(): number {
    const { QoSMaxRespT: seconds } = this.request;
    return seconds > 0 ? this.arrivedAt + seconds * 1000 : Infinity;
  }

  /** The client has left. Harmless once it is settled. */
  cancel(): void {
    if (!this.settled) this.#cancel(this);
  }

  /** Answers with a report. */
  succeed(report: Report): void {
    this.settled = true;
    this.#resolve(report);
  }

  /** Answers with an error. */
  fail(error: ServerledgeError): void {
    this.settled = true;
    this.#reject(error);
  }
}
