/**
 * Offloads invocations to other nodes.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Deadlines } from "../../base/deadlines.ts";
import { asServerledgeError, type ServerledgeError } from "../../base/errors.ts";
import type { Peers } from "../../cluster/peers/peers.ts";
import { release } from "../../json/quoted.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { Refusal } from "../../policy/contract.ts";
import type { OpenInvocations } from "../open_invocations.ts";
import type { EstimateTable } from "../estimates.ts";
import type { Invocation } from "../invocation.ts";
import { deadlineExceeded } from "../errors.ts";
import type { NodeName } from "../report.ts";
import { type Offloaded, undecided } from "../state.ts";

/** Dependencies and settings of {@link Offloader}. */
export interface OffloaderOptions {
  readonly node: NodeName;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly open: OpenInvocations;
  readonly estimates: EstimateTable;
  readonly peers: Pick<Peers, "send" | "isCloud">;
  /** Handles an invocation that the other node did not start. */
  readonly declined: (invocation: Invocation, refusal: Refusal) => void;
}

/** Sends invocations to other nodes and completes them with the responses. */
export class Offloader {
  readonly #options: OffloaderOptions;
  readonly #clock: Clock;

  /** Creates an offloader that has sent nothing. */
  constructor(options: OffloaderOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * Sends an invocation to another node.
   *
   * @param to id of the node
   * @param timeoutMs time limit of an invocation without a deadline, ms
   */
  send(invocation: Invocation, to: string, timeoutMs: number): void {
    invocation.deadline?.[Symbol.dispose]();
    const { deadlines, node, peers } = this.#options;
    const sentAt = this.#clock.now();
    const limit = Math.min(invocation.answerBy, sentAt + timeoutMs);
    const abort = new AbortController();
    const offloaded: Offloaded = {
      kind: "offloaded",
      node: to,
      isCloud: peers.isCloud(to),
      sentAt,
      abort,
    };
    invocation.state = offloaded;
    invocation.deadline = deadlines.set(limit, () => {
      const message =
        "The node that the request was offloaded to did not respond before the deadline";
      this.interrupt(invocation, offloaded, deadlineExceeded(message));
    });
    peers.send(to, {
      id: invocation.id,
      record: invocation.record,
      request: invocation.request,
      httpRequest: invocation.httpRequest,
      budgetMs: limit - sentAt,
      hopsLeft: invocation.hopsLeft - 1,
      visited: [...invocation.visited, node.id],
      originArea: invocation.hop?.originArea ?? node.area,
      callers: invocation.callers,
    }, abort.signal).then(
      (result) => this.#onResponse(invocation, offloaded, result),
      (thrown) => this.#onError(invocation, offloaded, asServerledgeError(thrown)),
    );
  }

  /** Completes an offloaded invocation with an error, and cancels the request to the peer. */
  interrupt(invocation: Invocation, { abort }: Offloaded, error: ServerledgeError): void {
    this.#options.open.fail(invocation, error);
    abort.abort(error);
  }

  #onResponse(
    invocation: Invocation,
    offloaded: Offloaded,
    { report, response }: InvocationResult,
  ): void {
    // Nobody reads a result that comes too late.
    if (invocation.settled) return release(report.result);
    const { open, estimates } = this.#options;
    const { sentAt, isCloud } = offloaded;
    offloaded.report = report;
    const now = this.#clock.now();
    const place = estimates.of(invocation.record.name)[isCloud ? "remote" : "edge"];
    place.observe({
      executionMs: report.durationS * 1000,
      startMs: report.isWarmStart ? undefined : report.initTimeS * 1000,
    });
    const whole = {
      ...report,
      responseTimeS: (now - invocation.arrivedAt) / 1000,
      // Each duration is measured by one clock, because the clocks of two nodes may differ.
      offloadLatencyS: Math.max(0, (now - sentAt) / 1000 - report.responseTimeS),
    };
    open.succeed(invocation, { report: whole, response });
  }

  #onError(invocation: Invocation, { node, sentAt }: Offloaded, error: ServerledgeError): void {
    if (invocation.settled) return;
    if (!error.elsewhere) return this.#options.open.fail(invocation, error);
    const remoteTotalMs = this.#clock.now() - sentAt;
    invocation.visited.push(node);
    invocation.state = undecided;
    invocation.declineError = error;
    this.#options.declined(invocation, { node, code: error.code, remoteTotalMs });
  }
}
