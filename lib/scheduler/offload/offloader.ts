/**
 * Has invocations run by other nodes.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Deadlines } from "../../base/deadlines.ts";
import { asServerledgeError, type ServerledgeError } from "../../base/errors.ts";
import type { Peers } from "../../cluster/peers/peers.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { Refusal } from "../../policy/contract.ts";
import type { Answers } from "../answers.ts";
import type { EstimateBook } from "../estimates.ts";
import type { Invocation } from "../invocation.ts";
import { deadlineExceeded } from "../refusals.ts";
import type { NodeName } from "../report.ts";
import { arrived, type Offloaded } from "../state.ts";

/** What an offloader works with. */
export interface OffloaderOptions {
  /** Who the node is. */
  readonly node: NodeName;
  /** The node's clock. */
  readonly clock: Clock;
  /** Deadlines on that clock. */
  readonly deadlines: Deadlines;
  /** Where answers go. */
  readonly answers: Answers;
  /** Where measurements go. */
  readonly estimates: EstimateBook;
  /** The other nodes. */
  readonly peers: Pick<Peers, "send" | "isCloud">;
  /** The other node surely did not start it: what now? */
  readonly refused: (invocation: Invocation, refusal: Refusal) => void;
}

/** Sends invocations to other nodes and answers with what these answer. */
export class Offloader {
  readonly #options: OffloaderOptions;
  readonly #clock: Clock;

  /** An offloader that has sent nothing yet. */
  constructor(options: OffloaderOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * Sends an invocation away.
   *
   * @param to the node's id
   * @param timeoutMs longest stay if the invocation names no limit
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
      const message = "The node it was sent to did not answer before its deadline";
      this.interrupt(invocation, offloaded, deadlineExceeded(message));
    });
    peers.send(to, {
      id: invocation.id,
      record: invocation.record,
      request: invocation.request,
      page: invocation.page,
      budgetMs: limit - sentAt,
      hopsLeft: invocation.hopsLeft - 1,
      visited: [...invocation.visited, node.id],
      originArea: invocation.hop?.originArea ?? node.area,
    }, abort.signal).then(
      (result) => this.#answered(invocation, offloaded, result),
      (thrown) => this.#failed(invocation, offloaded, asServerledgeError(thrown)),
    );
  }

  /** Answers an offloaded invocation, and calls it back. */
  interrupt(invocation: Invocation, { abort }: Offloaded, error: ServerledgeError): void {
    this.#options.answers.fail(invocation, error);
    abort.abort(error);
  }

  #answered(
    invocation: Invocation,
    offloaded: Offloaded,
    { report, response }: InvocationResult,
  ): void {
    if (invocation.settled) return;
    const { answers, estimates } = this.#options;
    const { sentAt, isCloud } = offloaded;
    offloaded.report = report;
    const now = this.#clock.now();
    const place = estimates.of(invocation.record.Name)[isCloud ? "remote" : "edge"];
    place.observe({
      executionMs: report.durationS * 1000,
      startMs: report.isWarmStart ? undefined : report.initTimeS * 1000,
    });
    const whole = {
      ...report,
      responseTimeS: (now - invocation.arrivedAt) / 1000,
      // Both clocks' own durations, so that no clock need agree with another.
      offloadLatencyS: Math.max(0, (now - sentAt) / 1000 - report.responseTimeS),
    };
    answers.succeed(invocation, { report: whole, response });
  }

  #failed(invocation: Invocation, { node, sentAt }: Offloaded, error: ServerledgeError): void {
    if (invocation.settled) return;
    if (!error.elsewhere) return this.#options.answers.fail(invocation, error);
    const remoteTotalMs = this.#clock.now() - sentAt;
    invocation.visited.push(node);
    invocation.state = arrived;
    invocation.refusal = error;
    this.#options.refused(invocation, { node, code: error.code, remoteTotalMs });
  }
}
