/**
 * Schedules requests: asks the policy and executes its decision. The local runner runs requests on this
 * node, the offloader sends them to other nodes, and the scheduler queues the rest.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { type FunctionRecord, functionUnknown } from "../model/function.ts";
import type { Origin } from "../model/hop.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import { allowedAreas, mayStay } from "../model/locality.ts";
import type { Lease } from "../pool/lease.ts";
import type { PoolListener } from "../pool/options.ts";
import type { Pool } from "../pool/pool.ts";
import type { Arrivals, Decision, ExplainedDecision } from "../policy/contract.ts";
import { OpenInvocations } from "./open_invocations.ts";
import { ArrivalStatistics } from "./arrival_statistics.ts";
import { Decider } from "./decider.ts";
import { EstimateTable } from "./estimates.ts";
import { Invocation } from "./invocation.ts";
import { LocalRunner } from "./local_runner.ts";
import type { InvocationOutcome } from "./observer.ts";
import { Offloader } from "./offload/offloader.ts";
import type { SchedulerOptions } from "./options.ts";
import { policyOutcome } from "./report.ts";
import {
  clientDisconnected,
  duplicateRequest,
  inexactInteger,
  localityViolation,
  queueTimeout,
  routingLoop,
  shuttingDown,
} from "./errors.ts";
import { SeenRequests } from "./offload/seen_requests.ts";
import { ScaleUp } from "./scale_up.ts";
import type { ViewSources } from "./view.ts";
import { WaitQueue } from "./wait_queue.ts";

const noCallers: readonly string[] = [];

/** Schedules the requests of a node. */
export class Scheduler implements PoolListener {
  readonly #options: SchedulerOptions;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #queue = new WaitQueue<Invocation>();
  readonly #open: OpenInvocations;
  readonly #estimates = new EstimateTable();
  readonly #arrivals = new ArrivalStatistics(this.#estimates);
  readonly #runner: LocalRunner;
  readonly #offloader: Offloader;
  readonly #decider: Decider;
  readonly #scaleUp: ScaleUp;
  readonly #seen = new SeenRequests();
  #draining = false;

  /** Creates a scheduler without requests, and listens to its pool. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#pool = options.pool;
    this.#open = new OpenInvocations(options.clock, {
      settling: (invocation) => this.#queue.remove(invocation),
      settled: (invocation, end, error) => this.#onSettled(invocation, end, error),
    });
    const parts = { ...options, open: this.#open, estimates: this.#estimates };
    this.#runner = new LocalRunner({
      ...parts,
      submit: (name, request, origin) => this.submit(name, request, origin),
    });
    this.#offloader = new Offloader({
      ...parts,
      declined: (invocation, refusal) => {
        options.policy.refused?.(this.#decider.factsOf(invocation, false), refusal);
        this.#dispatch(invocation);
      },
    });
    const { policy, queueCapacity } = options;
    this.#decider = new Decider({
      policy,
      queueCapacity,
      clock: this.#clock,
      sources: this.#sources(),
    });
    this.#scaleUp = new ScaleUp({ ...options, queue: this.#queue });
    options.pool.listen(this);
  }

  /** True once no more requests are accepted. */
  get draining(): boolean {
    return this.#draining;
  }

  /** The latest decisions, newest first, if the policy does not explain its own. */
  get decisions(): ExplainedDecision[] {
    return this.#decider.decisions;
  }

  /** Number of queued requests. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Number of invocations that run, here or on other nodes. */
  get running(): number {
    return this.#open.open.size - this.#queue.size;
  }

  /**
   * Returns the arrivals since the last call, for policies that plan.
   *
   * @param seconds time since the last call
   */
  arrivals(seconds: number): Arrivals[] {
    return this.#arrivals.closeInterval(seconds);
  }

  /**
   * Checks whether a request would be accepted, as far as possible before its body is read.
   *
   * @returns the function
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`
   */
  admit(name: string): FunctionRecord {
    if (this.#draining) throw shuttingDown();
    const record = this.#options.find(name);
    if (!record) throw functionUnknown(name, "fun");
    return record;
  }

  /**
   * Accepts a request.
   *
   * @param origin the request's origin, as far as it is known; its reservation is released when the
   *   invocation completes, unless this throws
   * @returns the invocation, whose `done` settles once
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`, `UNPROCESSABLE` if the function would receive
   *   another number than was sent, `FORBIDDEN` if its data must not be here, `PEER_DECLINED`
   *   if this node has sent it on, `REQUEST_REPEATED`
   */
  submit(name: string, request: InvokeRequest, origin: Origin = {}): Invocation {
    const record = this.admit(name);
    const { hop, keyId, callers = noCallers, inputSize = 0, httpRequest } = origin;
    const { classes, node, maxHops, keepsLargeIntegers } = this.#options;
    // The HTTP event is created only on the node that runs the function, and contains no numbers.
    const unheld = httpRequest ? undefined : inexactInteger(record, request, keepsLargeIntegers);
    if (unheld) throw unheld;
    if (hop) {
      const areas = allowedAreas([record.locality, request.locality], hop.originArea);
      if (areas && !areas.includes(node.area)) throw localityViolation(name, node.area);
      if (hop.visited.includes(node.id)) throw routingLoop(hop.id, node.id);
      if (!this.#seen.add(hop.id, this.#clock.now())) throw duplicateRequest(hop.id);
    }
    const invocation = new Invocation({
      record,
      request,
      qosClass: classes.of(request.qosClass),
      arrivedAt: this.#clock.now(),
      keyId,
      hop,
      hopsLeft: Math.min(hop?.hopsLeft ?? maxHops, maxHops),
      callers: hop?.callers ?? callers,
      inputSize,
      httpRequest,
      reservation: origin.reservation,
    }, (invocation) => this.#cancel(invocation));
    this.#open.add(invocation);
    this.#dispatch(invocation);
    return invocation;
  }

  /** Gives a free slot of an instance to the next queued request of its function. */
  available(record: FunctionRecord): void {
    if (this.#queue.size === 0) return;
    this.#serve(record);
    if (this.#queue.count(record.version) === 0) this.roomFreed();
  }

  /** Reconsiders queued requests after other nodes have reported their free capacity. */
  onPeerStatus(): void {
    if (this.#queue.queued === 0) return;
    const movable = () =>
      this.#queue.heads().filter((head) =>
        !head.startsInstance && this.#decider.factsOf(head, true).canOffload
      );
    this.#reconsider(movable());
    if (movable().length > 0) this.#options.peers.requestStatus();
  }

  /** Asks the policy again about the first queued request of each function. */
  roomFreed(): void {
    if (this.#queue.size > 0) this.#reconsider(this.#queue.heads());
  }

  #reconsider(heads: readonly Invocation[]): void {
    for (const head of heads) {
      const decision = this.#decider.decide(head, true);
      if (decision.kind === "reject") {
        this.#open.fail(head, this.#decider.rejection(head, decision.code, true));
      } else if (decision.kind === "offload") {
        this.#queue.remove(head);
        this.#offload(head, decision);
      } else if (decision.kind === "run") {
        this.#serve(head.record);
        this.#scaleUp.scale(head.record);
      }
    }
  }

  /**
   * Fails one queued request after a failed start, which bounds the number of repeated failures. Fails
   * all if no other instance exists or is starting.
   */
  startFailed(record: FunctionRecord, error: ServerledgeError): void {
    const waiting = this.#queue.all(record.version);
    const failing = this.#pool.has(record) ? waiting.slice(0, 1) : waiting;
    for (const invocation of failing) this.#open.fail(invocation, error);
  }

  /**
   * Moves requests queued for an old version of a function to the new one, or fails them.
   *
   * @param successor undefined if the function was deleted
   */
  functionReplaced(former: FunctionRecord, successor: FunctionRecord | undefined): void {
    if (!successor) this.#estimates.forget(former.name);
    for (const invocation of this.#queue.all(former.version)) {
      const error = successor
        ? inexactInteger(successor, invocation.request, this.#options.keepsLargeIntegers)
        : functionUnknown(former.name, "fun");
      if (!successor || error) {
        this.#open.fail(invocation, error!);
        continue;
      }
      this.#queue.remove(invocation);
      invocation.record = successor;
      this.#queue.add(invocation);
    }
    this.roomFreed();
  }

  /** Waits until no invocation is left, for at most `boundMs`. */
  async settled(boundMs: number): Promise<void> {
    await this.#open.allSettled(boundMs);
  }

  /**
   * Accepts no more requests and lets the current ones finish.
   *
   * @param graceMs time after which the rest is interrupted
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    await this.#open.allSettled(graceMs);
    const interrupted = new ServerledgeError(
      "FUNCTION_CRASHED",
      "The node shut down before the function ended",
    );
    for (const invocation of this.#open.open.all()) {
      const { state } = invocation;
      if (state.kind === "offloaded") this.#offloader.interrupt(invocation, state, interrupted);
      else this.#open.fail(invocation, state.kind === "running" ? interrupted : shuttingDown());
    }
  }

  /** Returns the data of the node that the policy may see. */
  #sources(): ViewSources {
    const options = this.#options;
    const { area } = options.node;
    const localities = ({ record, request }: Invocation) => [record.locality, request.locality];
    return {
      ...options,
      queue: this.#queue,
      estimates: this.#estimates,
      mismatch: (invocation) =>
        !options.supports(invocation.record)
          ? "architecture"
          : invocation.hop !== undefined || mayStay(localities(invocation), area)
          ? undefined
          : "locality",
      areas: (invocation) =>
        allowedAreas(localities(invocation), invocation.hop?.originArea ?? area),
    };
  }

  /** Decides about a request that is not running: a new one, or one that a peer declined. */
  #dispatch(invocation: Invocation): void {
    const decision = this.#decider.decide(invocation, false);
    if (decision.kind === "reject") {
      return this.#open.fail(
        invocation,
        this.#decider.rejection(invocation, decision.code, false),
      );
    }
    if (decision.kind === "offload") return this.#offload(invocation, decision);
    const lease = decision.kind === "run" && this.#pool.tryLease(invocation.record);
    if (lease) return this.#run(invocation, lease);
    this.#enqueue(invocation, decision.kind === "run");
  }

  #enqueue(invocation: Invocation, startsInstance: boolean): void {
    invocation.state = { kind: startsInstance ? "starting" : "queued", since: this.#clock.now() };
    this.#queue.add(invocation);
    invocation.deadline?.[Symbol.dispose]();
    // The function's TimeoutMs bounds its execution only: a start alone may take longer.
    const limitMs = Math.max(this.#timeoutOf(invocation), this.#options.defaultTimeoutMs);
    const limit = Math.min(invocation.answerBy, invocation.arrivedAt + limitMs);
    invocation.deadline = this.#options.deadlines.set(limit, () => {
      this.#open.fail(
        invocation,
        queueTimeout(
          invocation,
          this.#pool.startingSlots(invocation.record) > 0
            ? undefined
            : this.#decider.shortage(invocation, true),
        ),
      );
    });
    if (startsInstance) this.#scaleUp.scale(invocation.record);
    else if (this.#decider.factsOf(invocation, true).canOffload) {
      this.#options.peers.requestStatus();
    }
  }

  #run(invocation: Invocation, lease: Lease): void {
    this.#runner.run(invocation, lease, this.#timeoutOf(invocation));
  }

  #offload(invocation: Invocation, { to, fetchImage }: Decision & { kind: "offload" }): void {
    if (fetchImage) this.#options.images?.fetch(invocation.record);
    const now = this.#clock.now();
    // The time on another node is not queueing time here, even if the request returns to the queue.
    if ("since" in invocation.state) invocation.waitedMs += now - invocation.state.since;
    // If a peer sends the request back, this node must not run it in addition.
    this.#seen.add(invocation.id, now);
    this.#offloader.send(invocation, to, this.#timeoutOf(invocation));
  }

  /** Gives free instances of a function to its queued requests. */
  #serve(record: FunctionRecord): void {
    for (;;) {
      const waiter = this.#queue.first(record.version);
      const lease = waiter && this.#pool.tryLease(record);
      if (!lease) return;
      this.#queue.dequeue(waiter);
      this.#run(waiter, lease);
    }
  }

  #onSettled(invocation: Invocation, end: InvocationOutcome, error?: ServerledgeError): void {
    const { observer, policy } = this.#options;
    invocation.reservation?.[Symbol.dispose]();
    // The sender may retry through another balancer, which may choose this node again.
    if (invocation.hop && error?.elsewhere) this.#seen.forget(invocation.id);
    observer.completed(end);
    if (policy.plan) this.#arrivals.record(invocation, end);
    if (!policy.observe) return;
    const now = this.#clock.now();
    policy.observe(this.#decider.factsOf(invocation, false), policyOutcome(invocation, end, now));
  }

  #cancel(invocation: Invocation): void {
    const error = clientDisconnected();
    const { state } = invocation;
    if (state.kind === "running") this.#runner.interrupt(invocation, state, error);
    else if (state.kind === "offloaded") this.#offloader.interrupt(invocation, state, error);
    else this.#open.fail(invocation, error);
  }

  #timeoutOf({ record }: Invocation): number {
    return record.timeoutMs > 0 ? record.timeoutMs : this.#options.defaultTimeoutMs;
  }
}
