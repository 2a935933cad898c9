/**
 * Runs invocations in instances of this node, within their deadlines.
 *
 * @module
 */

import { withTimeout } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { functionPage } from "../cluster/peers/page_exchange.ts";
import type { Params } from "../model/params.ts";
import type { Lease } from "../pool/lease.ts";
import { withOutput } from "../runtime/wire/call_output.ts";
import type { Reply, StreamedAnswer } from "../runtime/environment.ts";
import type { Answers } from "./answers.ts";
import type { EstimateBook } from "./estimates.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationObserver } from "./observer.ts";
import { executionTimeout } from "./refusals.ts";
import type { Running } from "./state.ts";
import { failureOf, type NodeName, reportOf } from "./report.ts";

/** How long a function that was told to stop may take before its instance is removed, ms. */
const stopGraceMs = 500;
/** How long the answer to an interrupted call waits for output that has to be fetched, ms. */
const fetchOutputMs = 200;

/** What a runner works with. */
export interface LocalRunnerOptions {
  /** Who the node is, for reports. */
  readonly node: NodeName;
  /** The node's clock. */
  readonly clock: Clock;
  /** Deadlines on that clock. */
  readonly deadlines: Deadlines;
  /** Where answers go. */
  readonly answers: Answers;
  /** Where measurements go. */
  readonly estimates: EstimateBook;
  /** Hears where functions were interrupted. */
  readonly observer: InvocationObserver;
}

/** Runs invocations here. */
export class LocalRunner {
  readonly #options: LocalRunnerOptions;
  readonly #clock: Clock;

  /** A runner that runs nothing yet. */
  constructor(options: LocalRunnerOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * Runs an invocation and answers it.
   *
   * @param lease the instance; given back here, whatever happens
   * @param timeoutMs longest execution
   */
  run(invocation: Invocation, lease: Lease, timeoutMs: number): void {
    invocation.deadline?.[Symbol.dispose]();
    const startedAt = this.#clock.now();
    const limit = Math.min(invocation.answerBy, startedAt + timeoutMs);
    const cold = lease.first && lease.readyAt > invocation.arrivedAt;
    const { state } = invocation;
    const queuedAt = "since" in state ? state.since : undefined;
    const running: Running = { kind: "running", lease, startedAt, cold, queuedAt };
    invocation.state = running;
    invocation.deadline = this.#options.deadlines.set(limit, () => {
      this.interrupt(invocation, running, executionTimeout());
    });
    const { page, request } = invocation;
    const call = (params: Params) => ({
      id: invocation.id,
      params,
      timeoutMs: Math.max(1, Math.ceil(limit - this.#clock.now())),
      returnOutput: request.returnOutput,
      onStream: takesStream(invocation)
        ? (answer: StreamedAnswer) => this.#streams(invocation, running, answer)
        : undefined,
    });
    const replied = page?.event
      ? page.event().then((params) => {
        if (invocation.settled) throw unsent();
        return lease.instance.invoke(call(params));
      })
      : lease.instance.invoke(call(request.params));
    replied.then(
      (reply) => this.#replied(invocation, running, reply),
      (thrown) => this.#broke(invocation, lease, asServerledgeError(thrown)),
    );
  }

  /**
   * Answers a running invocation at once, or as soon as its output is fetched, tells the function to stop,
   * and gives its instance up if it does not.
   */
  interrupt(invocation: Invocation, { lease }: Running, error: ServerledgeError): void {
    const output = lease.instance.output(invocation.id);
    if (typeof output === "string") return this.#stop(invocation, lease, error, output);
    void withTimeout(output, fetchOutputMs, () => "").then((output) => {
      // Its reply may have come meanwhile.
      if (!invocation.settled) this.#stop(invocation, lease, error, output);
    });
  }

  #stop(invocation: Invocation, lease: Lease, error: ServerledgeError, output: string): void {
    this.#options.answers.fail(invocation, withOutput(error, output));
    invocation.deadline = this.#options.deadlines.set(this.#clock.now() + stopGraceMs, () => {
      lease.abandon();
    });
    lease.instance.cancel(invocation.id);
  }

  /** The client gets what is there; the instance is the invocation's until its reply. */
  #streams(
    invocation: Invocation,
    running: Running,
    { status, headers, body }: StreamedAnswer,
  ): void {
    if (invocation.settled) return body.end();
    body.left = () => invocation.cancel();
    const nothing = { ok: true, result: "", output: "" } as const;
    const report = reportOf(invocation, running, nothing, this.#clock.now(), this.#options.node);
    const response = functionPage({ status, headers, body: body.readable });
    invocation.begin({ report, response }, body);
  }

  #replied(invocation: Invocation, running: Running, reply: Reply): void {
    const now = this.#clock.now();
    const { lease, startedAt, cold } = running;
    const executionMs = now - startedAt;
    lease.release(executionMs);
    if (invocation.settled) return this.#stopped(invocation, reply);
    const { answers, estimates, node } = this.#options;
    estimates.of(invocation.record.Name).local.observe({
      executionMs,
      startMs: cold ? lease.readyAt - lease.startedAt : undefined,
    });
    if (reply.ok) {
      const report = reportOf(invocation, running, reply, now, node);
      return answers.succeed(invocation, { report }, reply);
    }
    // Executors interrupt by a clock of their own, which may be ahead by the tick of a deadline.
    const isLate = now >= invocation.deadline!.atMs;
    answers.fail(invocation, isLate ? executionTimeout(reply) : failureOf(reply), reply);
  }

  #broke(invocation: Invocation, lease: Lease, error: ServerledgeError): void {
    // A call that could not be sent has done the instance no harm.
    if (error.code === "PAYLOAD_TOO_LARGE" || error.code === "UNPROCESSABLE") lease.release();
    else lease.discard();
    if (invocation.settled) this.#stopped(invocation);
    else this.#options.answers.fail(invocation, error);
  }

  /** An interrupted function has ended. */
  #stopped(invocation: Invocation, reply?: Reply): void {
    invocation.deadline?.[Symbol.dispose]();
    if (!reply || reply.ok || reply.failure.traceback === "") return;
    const { traceback } = reply.failure;
    this.#options.observer.stopped?.(invocation.record.Name, invocation.id, traceback);
  }
}

/** Its caller has its answer: neither it nor the instance is told of this. */
function unsent(): ServerledgeError {
  return new ServerledgeError("UNPROCESSABLE", "The invocation ended before it was sent");
}

/** Only who asked over plain HTTP can get an answer in parts; to `HEAD` there is no body. */
function takesStream({ page }: Invocation): boolean {
  return page !== undefined && page.method !== "HEAD";
}
