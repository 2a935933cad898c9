/**
 * The latest decisions of the policy with the facts it saw, stored cheaply and formatted on demand.
 *
 * @module
 */

import type { Decision, ExplainedDecision, NodeView, RequestFacts } from "../policy/contract.ts";

/** Number of decisions that are kept. */
const capacity = 50;

/** A decision and the state of the node. Entries are reused, so they produce no garbage. */
interface Entry {
  at: number;
  request: RequestFacts;
  decision: Decision;
  warm: boolean;
  supported: boolean;
  imageMissing: boolean;
  queueLength: number;
  expectedMs: number;
}

/** Ring buffer of decisions. */
export class DecisionLog {
  readonly #entries: Entry[] = [];
  #next = 0;

  /**
   * Records a decision.
   *
   * @param at monotonic time, ms
   * @param view the node as the policy saw it, in the same tick
   */
  add(at: number, request: RequestFacts, view: NodeView, decision: Decision): void {
    const runs = decision.kind === "run";
    const isRejected = decision.kind === "reject";
    const entry = this.#entries[this.#next] ??= {} as Entry;
    entry.at = at;
    entry.request = request;
    entry.decision = decision;
    entry.warm = view.warm;
    // Requests that run are the hot path, so values that are not shown for them are not computed.
    entry.supported = runs || view.supported;
    entry.imageMissing = decision.kind === "offload" && view.imageMissing === true;
    entry.queueLength = runs ? 0 : view.queueLength;
    entry.expectedMs = isRejected ? view.queueWaitMs + view.local.executionMs : NaN;
    this.#next = (this.#next + 1) % capacity;
  }

  /**
   * Formats the decisions, newest first.
   *
   * @param now monotonic time, ms
   */
  read(now: number): ExplainedDecision[] {
    const { length } = this.#entries;
    return Array.from({ length }, (_, back) => {
      const entry = this.#entries[(this.#next - 1 - back + length) % length]!;
      return {
        agoMs: Math.round(now - entry.at),
        functionName: entry.request.functionName,
        qosClass: entry.request.qosClass.name,
        decision: entry.decision,
        reason: `${budgetText(entry)}; ${reasonText(entry)}`,
      };
    });
  }
}

function budgetText({ request: { budgetMs, waited, forwarded } }: Entry): string {
  const limit = Number.isFinite(budgetMs) ? `${Math.round(budgetMs)} ms left` : "no limit";
  const past = waited ? ", already waiting" : "";
  return `${limit}${past}${forwarded ? ", from another node" : ""}`;
}

function reasonText(entry: Entry): string {
  const { decision, supported, warm, queueLength, expectedMs } = entry;
  const others = queueLength === 1 ? "1 other request waits" : `${queueLength} other requests wait`;
  const here = warm ? "an instance is idle here" : `no instance is idle here and ${others}`;
  switch (decision.kind) {
    case "run":
      return warm ? "an instance is idle" : "an instance can be started";
    case "wait":
      return here;
    case "offload":
      if (!supported) return "this node cannot run it";
      return entry.imageMissing ? "its image is missing here" : here;
    case "reject": {
      if (!supported) return "this node cannot run it, and offloading is not possible";
      const expected = Number.isFinite(expectedMs)
        ? `; waiting and running would take ${Math.round(expectedMs)} ms`
        : "";
      return `${here}${expected}`;
    }
  }
}
