/**
 * A request's way through the node: asks the policy and carries out its decision. What runs here is
 * in the hands of the local runner, what is sent away in those of the offloader; everything else
 * waits here.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { Peers } from "../cluster/peers/peers.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Origin } from "../model/hop.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import { allowedAreas, mayStay } from "../model/locality.ts";
import type { QosClasses } from "../model/qos.ts";
import type { Lease } from "../pool/lease.ts";
import type { ResourceLedger } from "../pool/resource_ledger.ts";
import type { Pool, PoolListener } from "../pool/pool.ts";
import type { Arrivals, Decision, ExplainedDecision, Policy } from "../policy/contract.ts";
import { Answers } from "./answers.ts";
import { ArrivalBook } from "./arrivals.ts";
import { Decider } from "./decider.ts";
import { EstimateBook } from "./estimates.ts";
import { Invocation } from "./invocation.ts";
import { LocalRunner } from "./local_runner.ts";
import type { InvocationEnd, InvocationObserver } from "./observer.ts";
import { Offloader } from "./offload/offloader.ts";
import { type NodeName, outcomeOf } from "./report.ts";
import {
  clientLeft,
  functionUnknown,
  localityForbids,
  queueTimeout,
  repeated,
  shuttingDown,
  unheldInteger,
} from "./refusals.ts";
import { SeenRequests } from "./offload/seen_requests.ts";
import { ScaleUp } from "./scale_up.ts";
import type { ViewSources } from "./view.ts";
import { WaitQueue } from "./wait_queue.ts";

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
  /** The node's memory and CPU. */
  readonly ledger: ResourceLedger;
  /** The other nodes. */
  readonly peers: Peers;
  /** Classes of service. */
  readonly classes: QosClasses;
  /** Looks a function up in memory. */
  readonly find: (name: string) => FunctionRecord | undefined;
  /** Whether a function's image can run on the node's architecture. */
  readonly supports: (record: FunctionRecord) => boolean;
  /** Whether the function gets integers beyond 2^53 as they were sent. */
  readonly keepsLargeIntegers: (record: FunctionRecord) => boolean;
  /** Images of functions; absent where none needs one. */
  readonly images?: {
    /** Whether what the function needs is on the node as far as is known; cheap. */
    has(record: FunctionRecord): boolean;
    /** Fetches it in the background. */
    fetch(record: FunctionRecord): void;
  };
  /** Most requests that may wait for resources. */
  readonly queueCapacity: number;
  /** Longest execution of a function that sets no limit, ms. */
  readonly defaultTimeoutMs: number;
  /** Most nodes that a request may be sent on to, one from the other. */
  readonly maxHops: number;
  /** Hears how invocations end. */
  readonly observer: InvocationObserver;
}

/** The scheduler of a node. */
export class Scheduler implements PoolListener {
  readonly #options: SchedulerOptions;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #queue = new WaitQueue<Invocation>();
  readonly #answers: Answers;
  readonly #estimates = new EstimateBook();
  readonly #arrivals = new ArrivalBook(this.#estimates);
  readonly #runner: LocalRunner;
  readonly #offloader: Offloader;
  readonly #decider: Decider;
  readonly #scaleUp: ScaleUp;
  readonly #seen = new SeenRequests();
  #draining = false;

  /** A scheduler that listens to its pool. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#pool = options.pool;
    this.#answers = new Answers(options.clock, {
      closed: (invocation) => this.#queue.remove(invocation),
      ended: (invocation, end, error) => this.#ended(invocation, end, error),
    });
    const parts = { ...options, answers: this.#answers, estimates: this.#estimates };
    this.#runner = new LocalRunner(parts);
    this.#offloader = new Offloader({
      ...parts,
      refused: (invocation, refusal) => {
        options.policy.refused?.(this.#decider.factsOf(invocation, false), refusal);
        this.#arrive(invocation);
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

  /** True once no more requests are taken. */
  get draining(): boolean {
    return this.#draining;
  }

  /** The last decisions of a policy that does not explain its own, newest first. */
  get decisions(): ExplainedDecision[] {
    return this.#decider.decisions;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Invocations that run, here or on other nodes. */
  get running(): number {
    return this.#answers.open.size - this.#queue.size;
  }

  /**
   * What arrived since it was asked last, for policies that plan.
   *
   * @param seconds how long ago that is
   */
  arrivals(seconds: number): Arrivals[] {
    return this.#arrivals.close(seconds);
  }

  /**
   * Whether a request would be taken in, as far as that can be told before its body is read.
   *
   * @returns the function
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`
   */
  admit(name: string): FunctionRecord {
    if (this.#draining) throw shuttingDown();
    const record = this.#options.find(name);
    if (!record) throw functionUnknown(name);
    return record;
  }

  /**
   * Takes a request in.
   *
   * @param origin where it comes from, if it is known; what it holds is given back with the answer, unless
   *   this throws
   * @returns the invocation, whose `done` settles once
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`, `UNPROCESSABLE` where the function would get another
   *   number than was sent, `FORBIDDEN` where its data must not be here, `REQUEST_REPEATED`
   */
  submit(name: string, request: InvokeRequest, origin: Origin = {}): Invocation {
    const record = this.admit(name);
    const { hop, inputSize = 0, page, held } = origin;
    const { classes, node, maxHops, keepsLargeIntegers } = this.#options;
    // An event is made only where its function runs, and has no numbers.
    const unheld = page ? undefined : unheldInteger(record, request, keepsLargeIntegers);
    if (unheld) throw unheld;
    if (hop) {
      const areas = allowedAreas([record.Locality, request.locality], hop.originArea);
      if (areas && !areas.includes(node.area)) throw localityForbids(name, node.area);
      if (!this.#seen.add(hop.id, this.#clock.now())) throw repeated(hop.id);
    }
    const invocation = new Invocation({
      record,
      request,
      qosClass: classes.of(request.qosClass),
      arrivedAt: this.#clock.now(),
      hop,
      hopsLeft: Math.min(hop?.hopsLeft ?? maxHops, maxHops),
      inputSize,
      page,
      held,
    }, (leaving) => this.#leave(leaving));
    this.#answers.expect(invocation);
    this.#arrive(invocation);
    return invocation;
  }

  /** An instance of the function can take a call: whose turn it is gets it. */
  available(record: FunctionRecord): void {
    if (this.#queue.size === 0) return;
    this.#serve(record);
    if (this.#queue.count(record.Version) === 0) this.roomFreed();
  }

  /** Other nodes have told what they have free: what waits here may go there now. */
  peersTold(): void {
    if (this.#queue.queued === 0) return;
    const movable = () =>
      this.#queue.heads().filter((head) =>
        !head.promised && this.#decider.factsOf(head, true).canOffload
      );
    this.#reconsider(movable());
    if (movable().length > 0) this.#options.peers.seek();
  }

  /** Asks the policy again about the first waiting request of each function. */
  roomFreed(): void {
    if (this.#queue.size > 0) this.#reconsider(this.#queue.heads());
  }

  #reconsider(heads: readonly Invocation[]): void {
    for (const head of heads) {
      const decision = this.#decider.decide(head, true);
      if (decision.kind === "reject") {
        this.#answers.fail(head, this.#decider.rejection(head, decision.code, true));
      } else if (decision.kind === "offload") {
        this.#queue.remove(head);
        this.#offload(head, decision);
      } else if (decision.kind === "run") {
        this.#serve(head.record);
        this.#scaleUp.provision(head.record);
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
    for (const invocation of failing) this.#answers.fail(invocation, error);
  }

  /**
   * The function was updated or deleted: what waits for the old version goes on with the new one,
   * or fails.
   *
   * @param former what is no more
   * @param successor the new version, if there is one
   */
  replaced(former: FunctionRecord, successor: FunctionRecord | undefined): void {
    if (!successor) this.#estimates.forget(former.Name);
    for (const invocation of this.#queue.all(former.Version)) {
      const refusal = successor
        ? unheldInteger(successor, invocation.request, this.#options.keepsLargeIntegers)
        : functionUnknown(former.Name);
      if (!successor || refusal) {
        this.#answers.fail(invocation, refusal!);
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
    await this.#answers.settled(graceMs);
    const interrupted = new ServerledgeError("FUNCTION_CRASHED", "The node stopped meanwhile");
    for (const invocation of this.#answers.open.all()) {
      const { state } = invocation;
      if (state.kind === "offloaded") this.#offloader.interrupt(invocation, state, interrupted);
      else this.#answers.fail(invocation, state.kind === "running" ? interrupted : shuttingDown());
    }
  }

  /** What the policy may see of the node. */
  #sources(): ViewSources {
    const options = this.#options;
    const { area } = options.node;
    const localities = ({ record, request }: Invocation) => [record.Locality, request.locality];
    return {
      ...options,
      queue: this.#queue,
      estimates: this.#estimates,
      supports: (invocation) =>
        options.supports(invocation.record) &&
        (invocation.hop !== undefined || mayStay(localities(invocation), area)),
      areas: (invocation) =>
        allowedAreas(localities(invocation), invocation.hop?.originArea ?? area),
    };
  }

  /** Decides about a request that runs nowhere yet: a new one, or one that a peer did not take. */
  #arrive(invocation: Invocation): void {
    const decision = this.#decider.decide(invocation, false);
    if (decision.kind === "reject") {
      return this.#answers.fail(
        invocation,
        this.#decider.rejection(invocation, decision.code, false),
      );
    }
    if (decision.kind === "offload") return this.#offload(invocation, decision);
    const lease = decision.kind === "run" && this.#pool.tryLease(invocation.record);
    if (lease) return this.#run(invocation, lease);
    this.#wait(invocation, decision.kind === "run");
  }

  #wait(invocation: Invocation, promised: boolean): void {
    invocation.state = { kind: promised ? "starting" : "queued", since: this.#clock.now() };
    this.#queue.add(invocation);
    invocation.deadline?.[Symbol.dispose]();
    // The function's TimeoutMs bounds its execution: a start alone may take longer.
    const patience = Math.max(this.#timeoutOf(invocation), this.#options.defaultTimeoutMs);
    const limit = Math.min(invocation.answerBy, invocation.arrivedAt + patience);
    invocation.deadline = this.#options.deadlines.set(limit, () => {
      this.#answers.fail(
        invocation,
        queueTimeout(
          invocation,
          this.#pool.startingSlots(invocation.record) > 0
            ? undefined
            : this.#decider.shortage(invocation, true),
        ),
      );
    });
    if (promised) this.#scaleUp.provision(invocation.record);
    else if (this.#decider.factsOf(invocation, true).canOffload) this.#options.peers.seek();
  }

  #run(invocation: Invocation, lease: Lease): void {
    this.#runner.run(invocation, lease, this.#timeoutOf(invocation));
  }

  #offload(invocation: Invocation, { to, fetchImage }: Decision & { kind: "offload" }): void {
    if (fetchImage) this.#options.images?.fetch(invocation.record);
    const now = this.#clock.now();
    // Its time on another node is no waiting here, even if it comes back and waits again.
    if ("since" in invocation.state) invocation.waitedMs += now - invocation.state.since;
    // A peer that sends it back must not have it run here while, or after, it does so itself.
    this.#seen.add(invocation.id, now);
    this.#offloader.send(invocation, to, this.#timeoutOf(invocation));
  }

  /** Gives free instances of a function to those who wait for it. */
  #serve(record: FunctionRecord): void {
    for (;;) {
      const waiter = this.#queue.first(record.Version);
      const lease = waiter && this.#pool.tryLease(record);
      if (!lease) return;
      this.#queue.take(waiter);
      this.#run(waiter, lease);
    }
  }

  #ended(invocation: Invocation, end: InvocationEnd, error?: ServerledgeError): void {
    const { observer, policy } = this.#options;
    invocation.held?.[Symbol.dispose]();
    // Its sender may try again through another balancer, which sends it here: it is welcome then.
    if (invocation.hop && error?.elsewhere) this.#seen.forget(invocation.id);
    observer.ended(end);
    if (policy.plan) this.#arrivals.ended(invocation, end);
    if (!policy.observe) return;
    const now = this.#clock.now();
    policy.observe(this.#decider.factsOf(invocation, false), outcomeOf(invocation, end, now));
  }

  #leave(invocation: Invocation): void {
    const error = clientLeft();
    const { state } = invocation;
    if (state.kind === "running") this.#runner.interrupt(invocation, state, error);
    else if (state.kind === "offloaded") this.#offloader.interrupt(invocation, state, error);
    else this.#answers.fail(invocation, error);
  }

  #timeoutOf({ record }: Invocation): number {
    return record.TimeoutMs > 0 ? record.TimeoutMs : this.#options.defaultTimeoutMs;
  }
}
