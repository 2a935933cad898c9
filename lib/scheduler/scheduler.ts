/**
 * A request's way through the node: asks the policy, carries out its decision, and sees to it that
 * every request gets exactly one answer and every lease is given back exactly once.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import type { Lease } from "../pool/lease.ts";
import type { Pool, PoolListener } from "../pool/pool.ts";
import type { Decision, Policy } from "../policy.ts";
import type { Reply } from "../runtime/environment.ts";
import { Invocation } from "./invocation.ts";
import type { InvocationObserver } from "./observer.ts";
import { describeEnd, failureOf, type NodeName, reportOf } from "./report.ts";
import { LocalView } from "./view.ts";
import { WaitQueue } from "./wait_queue.ts";

/** How long a function that was told to stop may take before its instance is removed, ms. */
const stopGraceMs = 500;

/** What a scheduler is made of. */
export interface SchedulerOptions {
  /** Who the node is, for reports. */
  readonly node: NodeName;
  /** The node's clock. */
  readonly clock: Clock;
  /** Deadlines on that clock. */
  readonly deadlines: Deadlines;
  /** Decides. */
  readonly policy: Policy;
  /** The node's instances. */
  readonly pool: Pool;
  /** Looks a function up in memory. */
  readonly find: (name: string) => FunctionRecord | undefined;
  /** Whether a function's image can run on the node's architecture. */
  readonly supports: (record: FunctionRecord) => boolean;
  /** Most requests that may wait for resources. */
  readonly queueCapacity: number;
  /** Longest execution of a function that sets no limit, ms. */
  readonly defaultTimeoutMs: number;
  /** Hears how invocations end. */
  readonly observer: InvocationObserver;
}

/** The scheduler of a node. */
export class Scheduler implements PoolListener {
  readonly #options: SchedulerOptions;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #queue = new WaitQueue<Invocation>();
  readonly #running = new Set<Invocation>();
  /** Function versions whose line will be looked at again. */
  readonly #looks = new Set<string>();
  #draining = false;
  #idle: (() => void) | undefined;

  /** A scheduler that listens to its pool. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#pool = options.pool;
    options.pool.listen(this);
  }

  /** True once no more requests are taken. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Invocations that run. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Takes a request in.
   *
   * @returns the invocation, whose `done` settles once
   * @throws `FUNCTION_UNKNOWN`, or `SHUTTING_DOWN`
   */
  submit(name: string, request: InvokeRequest): Invocation {
    if (this.#draining) throw stopping();
    const record = this.#options.find(name);
    if (!record) throw functionUnknown(name);
    const invocation = new Invocation(record, request, this.#clock.now(), (i) => this.#leave(i));
    this.#arrive(invocation);
    return invocation;
  }

  /** An instance of the function can take a call: whoever has waited longest gets it. */
  available(record: FunctionRecord): void {
    if (this.#queue.size === 0) return;
    this.#serve(record);
    if (this.#queue.count(record.Version) === 0) this.roomFreed();
  }

  /** Asks the policy again about the first waiting request of each function. */
  roomFreed(): void {
    if (this.#queue.size === 0) return;
    for (const head of this.#queue.heads()) {
      const decision = this.#decide(head, head);
      if (decision.kind === "reject") this.#fail(head, rejection(decision.code, head.record));
      else if (decision.kind === "run") {
        this.#serve(head.record);
        this.#provision(head.record);
      }
    }
  }

  /**
   * A start failed: one waiting request fails with it, so that a start that always fails ends; all
   * do if no other instance is left to hope for.
   */
  startFailed(record: FunctionRecord, error: ServerledgeError): void {
    const waiting = this.#queue.all(record.Version);
    const failing = this.#pool.has(record) ? waiting.slice(0, 1) : waiting;
    for (const invocation of failing) this.#fail(invocation, error);
  }

  /**
   * The function was updated or deleted: what waits for the old version goes on with the new one,
   * or fails.
   *
   * @param version the version that is no more
   * @param successor the new version, if there is one
   */
  replaced(version: string, successor: FunctionRecord | undefined): void {
    for (const invocation of this.#queue.all(version)) {
      if (!successor) {
        this.#fail(invocation, functionUnknown(invocation.record.Name));
        continue;
      }
      this.#queue.remove(invocation);
      invocation.record = successor;
      this.#queue.add(invocation);
    }
    this.roomFreed();
  }

  /**
   * Takes no more requests and lets those that are there finish.
   *
   * @param graceMs how long; what is left then is interrupted
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    if (this.#queue.size + this.#running.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const stop = this.#clock.after(graceMs, resolve);
      await promise;
      stop();
    }
    for (const head of this.#queue.heads()) {
      for (const waiting of this.#queue.all(head.record.Version)) this.#fail(waiting, stopping());
    }
    for (const running of this.#running) {
      this.#fail(running, new ServerledgeError("FUNCTION_CRASHED", "The node stopped meanwhile"));
    }
  }

  #arrive(invocation: Invocation): void {
    const decision = this.#decide(invocation, undefined);
    if (decision.kind === "reject") {
      return this.#fail(invocation, rejection(decision.code, invocation.record));
    }
    const lease = decision.kind === "run" && this.#pool.tryLease(invocation.record);
    if (lease) return this.#execute(invocation, lease);
    invocation.promised = decision.kind === "run";
    invocation.waited = true;
    this.#queue.add(invocation);
    const limit = Math.min(invocation.answerBy, invocation.arrivedAt + this.#timeoutOf(invocation));
    invocation.deadline = this.#options.deadlines.set(limit, () => {
      this.#fail(invocation, overdue("It waited for resources until its deadline"));
    });
    if (invocation.promised) this.#provision(invocation.record);
  }

  #decide(invocation: Invocation, waiter: Invocation | undefined): Decision {
    const { record, request } = invocation;
    const view = new LocalView(record, this.#queue, this.#pool, waiter, this.#options);
    return this.#options.policy.decide({
      functionName: record.Name,
      memoryMib: record.MemoryMB,
      cpu: record.CPUDemand,
      qosClass: request.QoSClass,
      budgetMs: invocation.answerBy - this.#clock.now(),
    }, view);
  }

  /** Gives free instances of a function to those who wait for it. */
  #serve(record: FunctionRecord): void {
    for (;;) {
      const waiter = this.#queue.first(record.Version);
      const lease = waiter && this.#pool.tryLease(record);
      if (!lease) return;
      this.#queue.remove(waiter);
      this.#execute(waiter, lease);
    }
  }

  /** Starts instances for those who wait and whom no start under way will serve, if it helps. */
  #provision(record: FunctionRecord): void {
    for (;;) {
      const waiting = this.#queue.count(record.Version);
      if (waiting <= this.#pool.coming(record)) return;
      const waitedMs = this.#clock.now() - this.#queue.first(record.Version)!.arrivedAt;
      const verdict = this.#pool.needsMore(record, waiting, waitedMs);
      if (verdict !== true) return this.#provisionLater(record, verdict);
      if (!this.#pool.tryStart(record)) return;
    }
  }

  /** Looks at a line again in case it does not move as expected; one such look at a time. */
  #provisionLater(record: FunctionRecord, delayMs: number): void {
    const { Version: version } = record;
    if (this.#looks.has(version)) return;
    this.#looks.add(version);
    this.#options.deadlines.set(this.#clock.now() + delayMs, () => {
      this.#looks.delete(version);
      this.#provision(record);
    });
  }

  #execute(invocation: Invocation, lease: Lease): void {
    invocation.deadline?.[Symbol.dispose]();
    const startedAt = this.#clock.now();
    const limit = Math.min(invocation.answerBy, startedAt + this.#timeoutOf(invocation));
    const cold = lease.first && lease.readyAt > invocation.arrivedAt;
    invocation.execution = { lease, startedAt, cold };
    this.#running.add(invocation);
    invocation.deadline = this.#options.deadlines.set(limit, () => {
      this.#interrupt(invocation, overdue("The function ran into its deadline"));
    });
    lease.instance.invoke({
      id: invocation.id,
      params: invocation.request.Params,
      timeoutMs: Math.max(1, Math.ceil(limit - startedAt)),
      returnOutput: invocation.request.ReturnOutput,
    }).then(
      (reply) => this.#replied(invocation, lease, reply),
      (thrown) => this.#broke(invocation, lease, asServerledgeError(thrown)),
    );
  }

  #replied(invocation: Invocation, lease: Lease, reply: Reply): void {
    const now = this.#clock.now();
    lease.release(now - invocation.execution!.startedAt);
    if (invocation.settled) return this.#stopped(invocation);
    if (!reply.ok) return this.#fail(invocation, failureOf(reply), reply);
    this.#close(invocation);
    invocation.succeed(reportOf(invocation, reply, now, this.#options.node));
    this.#options.observer.ended(describeEnd(invocation, now, undefined, reply));
  }

  #broke(invocation: Invocation, lease: Lease, error: ServerledgeError): void {
    // A call that was too large, or whose reply was, has done the instance no harm.
    if (error.code === "PAYLOAD_TOO_LARGE" || error.code === "UNPROCESSABLE") lease.release();
    else lease.discard();
    if (invocation.settled) this.#stopped(invocation);
    else this.#fail(invocation, error);
  }

  /** The client has left. */
  #leave(invocation: Invocation): void {
    const error = new ServerledgeError("CANCELLED", "The client left before the answer");
    if (invocation.execution) this.#interrupt(invocation, error);
    else this.#fail(invocation, error);
  }

  /** Answers at once, tells the function to stop, and gives its instance up if it does not. */
  #interrupt(invocation: Invocation, error: ServerledgeError): void {
    const { lease } = invocation.execution!;
    this.#fail(invocation, error);
    invocation.deadline = this.#options.deadlines.set(this.#clock.now() + stopGraceMs, () => {
      lease.abandon();
    });
    lease.instance.cancel(invocation.id);
  }

  /** An interrupted function has ended. */
  #stopped(invocation: Invocation): void {
    invocation.deadline?.[Symbol.dispose]();
  }

  #fail(invocation: Invocation, error: ServerledgeError, reply?: Reply): void {
    this.#close(invocation);
    invocation.fail(error);
    this.#options.observer.ended(describeEnd(invocation, this.#clock.now(), error, reply));
  }

  /** The invocation leaves the scheduler's books; what must follow is its answer. */
  #close(invocation: Invocation): void {
    invocation.deadline?.[Symbol.dispose]();
    this.#queue.remove(invocation);
    this.#running.delete(invocation);
    if (this.#idle && this.#queue.size + this.#running.size === 0) this.#idle();
  }

  #timeoutOf({ record }: Invocation): number {
    return record.TimeoutMs > 0 ? record.TimeoutMs : this.#options.defaultTimeoutMs;
  }
}

function functionUnknown(name: string): ServerledgeError {
  return new ServerledgeError("FUNCTION_UNKNOWN", `There is no function "${name}"`, {
    details: { path: "fun" },
  });
}

function stopping(): ServerledgeError {
  return new ServerledgeError("SHUTTING_DOWN", "The node is stopping; ask another one");
}

function overdue(message: string): ServerledgeError {
  return new ServerledgeError("DEADLINE_EXCEEDED", message);
}

function rejection(
  code: "NODE_SATURATED" | "NO_SUITABLE_NODE",
  record: FunctionRecord,
): ServerledgeError {
  const message = code === "NODE_SATURATED"
    ? "The node is full and so is its queue; try again later"
    : `This node cannot run "${record.Name}": it asks for ${record.MemoryMB} MiB, ` +
      `${record.CPUDemand} CPUs and ${record.SupportedArchs.join(" or ") || "any architecture"}`;
  return new ServerledgeError(code, message);
}
