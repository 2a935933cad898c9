/**
 * Runs invocations in instances of this node, within their deadlines.
 *
 * @module
 */

import { withTimeout } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import type { Deadlines } from "../base/deadlines.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { functionResponse } from "../cluster/peers/event_exchange.ts";
import { release } from "../json/quoted.ts";
import type { Params } from "../model/params.ts";
import type { Lease } from "../pool/lease.ts";
import { withOutput } from "../runtime/wire/call_output.ts";
import type { CalleeCall, Reply, StreamedAnswer } from "../runtime/environment.ts";
import { sendCallee, type SubmitCallee } from "./callee.ts";
import type { OpenInvocations } from "./open_invocations.ts";
import type { EstimateTable } from "./estimates.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationObserver } from "./observer.ts";
import { executionTimeout } from "./errors.ts";
import type { Running } from "./state.ts";
import { failureOf, type NodeName, reportOf } from "./report.ts";

/** Time for an interrupted function to stop before its instance is removed, ms. */
const stopGraceMs = 500;
/** Maximum wait for the output of an interrupted call, if it has to be fetched, ms. */
const fetchOutputMs = 200;

/** Dependencies and settings of {@link LocalRunner}. */
export interface LocalRunnerOptions {
  /** The node's identity, for reports. */
  readonly node: NodeName;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly open: OpenInvocations;
  readonly estimates: EstimateTable;
  /** Is notified of interrupted functions. */
  readonly observer: InvocationObserver;
  /** Accepts the requests of functions that invoke others. */
  readonly submit: SubmitCallee;
}

/** Runs invocations on this node. */
export class LocalRunner {
  readonly #options: LocalRunnerOptions;
  readonly #clock: Clock;

  /** Creates a runner that runs nothing yet. */
  constructor(options: LocalRunnerOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * Runs an invocation and completes it.
   *
   * @param lease lease of the instance, which the runner always releases
   * @param timeoutMs time limit of the execution
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
    const { httpRequest, record, request } = invocation;
    const call = (params: Params) => ({
      id: invocation.id,
      params,
      timeoutMs: Math.max(1, Math.ceil(limit - this.#clock.now())),
      returnOutput: request.returnOutput,
      onStream: acceptsStream(invocation)
        ? (answer: StreamedAnswer) => this.#beginStream(invocation, running, answer)
        : undefined,
      onInvoke: record.invokes.length > 0
        ? (callee: CalleeCall) => {
          const { node, submit } = this.#options;
          const budgetMs = limit - this.#clock.now();
          return sendCallee({ caller: invocation, budgetMs, area: node.area }, callee, submit);
        }
        : undefined,
    });
    const replied = httpRequest?.event
      ? httpRequest.event().then((params) => {
        if (invocation.settled) throw endedBeforeSend();
        return lease.instance.invoke(call(params));
      })
      : lease.instance.invoke(call(request.params));
    replied.then(
      (reply) => this.#onReply(invocation, running, reply),
      (thrown) => this.#onFailure(invocation, lease, asServerledgeError(thrown)),
    );
  }

  /**
   * Completes a running invocation, at once or as soon as its output is fetched. Interrupts the function,
   * and removes its instance if the function does not stop.
   */
  interrupt(invocation: Invocation, { lease }: Running, error: ServerledgeError): void {
    const output = lease.instance.output(invocation.id);
    if (typeof output === "string") return this.#stop(invocation, lease, error, output);
    void withTimeout(output, fetchOutputMs, () => "").then((output) => {
      // The function may have replied in the meantime.
      if (!invocation.settled) this.#stop(invocation, lease, error, output);
    });
  }

  #stop(invocation: Invocation, lease: Lease, error: ServerledgeError, output: string): void {
    this.#options.open.fail(invocation, withOutput(error, output));
    invocation.deadline = this.#options.deadlines.set(this.#clock.now() + stopGraceMs, () => {
      lease.abandon();
    });
    lease.instance.cancel(invocation.id);
  }

  /** Passes a streamed response on; the instance is leased until the function's final reply. */
  #beginStream(
    invocation: Invocation,
    running: Running,
    { status, headers, body }: StreamedAnswer,
  ): void {
    if (invocation.settled) return body.end();
    body.left = () => invocation.cancel();
    const nothing = { ok: true, result: "", output: "" } as const;
    const report = reportOf(invocation, running, nothing, this.#clock.now(), this.#options.node);
    const response = functionResponse({ status, headers, body: body.readable });
    invocation.begin({ report, response }, body);
  }

  #onReply(invocation: Invocation, running: Running, reply: Reply): void {
    const now = this.#clock.now();
    const { lease, startedAt, cold } = running;
    const executionMs = now - startedAt;
    lease.release(executionMs);
    if (invocation.settled) return this.#onInterruptedEnd(invocation, reply);
    const { open, estimates, node } = this.#options;
    estimates.of(invocation.record.name).local.observe({
      executionMs,
      startMs: cold ? lease.readyAt - lease.startedAt : undefined,
    });
    if (reply.ok) {
      const report = reportOf(invocation, running, reply, now, node);
      return open.succeed(invocation, { report }, reply);
    }
    // The executor's clock may be ahead of the node's by one tick of the deadlines.
    const isLate = now >= invocation.deadline!.atMs;
    open.fail(invocation, isLate ? executionTimeout(reply) : failureOf(reply), reply);
  }

  #onFailure(invocation: Invocation, lease: Lease, error: ServerledgeError): void {
    // A call that could not be sent has not harmed the instance.
    if (error.code === "PAYLOAD_TOO_LARGE" || error.code === "UNPROCESSABLE") lease.release();
    else lease.discard();
    if (invocation.settled) this.#onInterruptedEnd(invocation);
    else this.#options.open.fail(invocation, error);
  }

  /** Handles the reply of an interrupted function. */
  #onInterruptedEnd(invocation: Invocation, reply?: Reply): void {
    invocation.deadline?.[Symbol.dispose]();
    if (reply?.ok) release(reply.result);
    if (!reply || reply.ok || reply.failure.traceback === "") return;
    const { traceback } = reply.failure;
    this.#options.observer.interrupted?.(invocation.record.name, invocation.id, traceback);
  }
}

/** Error of a call that was not sent; no client sees it, since the response was sent already. */
function endedBeforeSend(): ServerledgeError {
  return new ServerledgeError("UNPROCESSABLE", "The invocation ended before it was sent");
}

/** Returns whether the response may be streamed: over plain HTTP, except to `HEAD`. */
function acceptsStream({ httpRequest }: Invocation): boolean {
  return httpRequest !== undefined && httpRequest.method !== "HEAD";
}
