/**
 * The last decisions of the policy with what it saw, kept cheaply and put into words only when asked.
 *
 * @module
 */

import type { Decision, ExplainedDecision, NodeView, RequestFacts } from "../policy/contract.ts";

/** How many decisions are kept. */
const kept = 50;

/** A decision, and what the node was like. Entries are written over, so that none is garbage. */
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

/** A ring of decisions. */
export class DecisionLog {
  readonly #entries: Entry[] = [];
  #next = 0;

  /**
   * Keeps a decision.
   *
   * @param at monotonic time, ms
   * @param request what was decided about
   * @param view the node as the policy saw it, in the same tick
   * @param decision what was decided
   */
  add(at: number, request: RequestFacts, view: NodeView, decision: Decision): void {
    const runs = decision.kind === "run";
    const isRejected = decision.kind === "reject";
    const entry = this.#entries[this.#next] ??= {} as Entry;
    entry.at = at;
    entry.request = request;
    entry.decision = decision;
    entry.warm = view.warm;
    // What is not told of requests that run is not computed for them: they are the warm path.
    entry.supported = runs || view.supported;
    entry.imageMissing = decision.kind === "offload" && view.imageMissing === true;
    entry.queueLength = runs ? 0 : view.queueLength;
    entry.expectedMs = isRejected ? view.queueWaitMs + view.local.executionMs : NaN;
    this.#next = (this.#next + 1) % kept;
  }

  /**
   * The decisions, newest first.
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
        reason: `${limitOf(entry)}; ${reasonOf(entry)}`,
      };
    });
  }
}

function limitOf({ request: { budgetMs, waited, forwarded } }: Entry): string {
  const limit = Number.isFinite(budgetMs) ? `${Math.round(budgetMs)} ms left` : "no limit";
  const past = waited ? ", it waits already" : "";
  return `${limit}${past}${forwarded ? ", from another node" : ""}`;
}

function reasonOf(entry: Entry): string {
  const { decision, supported, warm, queueLength, expectedMs } = entry;
  const line = queueLength === 1 ? "1 other waits" : `${queueLength} others wait`;
  const here = warm ? "an instance is idle here" : `no instance is idle here and ${line}`;
  switch (decision.kind) {
    case "run":
      return warm ? "an instance is idle" : "an instance can be started";
    case "wait":
      return here;
    case "offload":
      if (!supported) return "this node cannot run it";
      return entry.imageMissing ? "its image is missing here" : here;
    case "reject": {
      if (!supported) return "this node cannot run it, and no other may take it";
      const expected = Number.isFinite(expectedMs)
        ? `; waiting and running would take ${Math.round(expectedMs)} ms`
        : "";
      return `${here}${expected}`;
    }
  }
}
