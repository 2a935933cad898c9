/**
 * Log of the last decisions with their options; the text is built only when the log is read.
 *
 * @module
 */

import type { Decision, ExplainedDecision, RequestFacts } from "../../lib/policy/contract.ts";
import type { Option } from "./options.ts";

/** Number of decisions kept. */
const maxEntries = 50;

/** One decision. */
interface Entry {
  readonly at: number;
  readonly request: RequestFacts;
  readonly chosen: Option | undefined;
  readonly options: readonly Option[];
  readonly decision: Decision;
}

/** Ring buffer of decisions. */
export class DecisionLog {
  readonly #entries: Entry[] = [];
  #next = 0;

  /** Adds a decision. */
  add(
    at: number,
    request: RequestFacts,
    options: readonly Option[],
    chosen: Option | undefined,
    decision: Decision,
  ): void {
    this.#entries[this.#next] = { at, request, options, chosen, decision };
    this.#next = (this.#next + 1) % maxEntries;
  }

  /** Returns the decisions, newest first. */
  read(now: number): ExplainedDecision[] {
    return this.#entries.toSorted((a, b) => b.at - a.at).map((entry) => ({
      agoMs: Math.round(now - entry.at),
      functionName: entry.request.functionName,
      qosClass: entry.request.qosClass.name,
      decision: entry.decision,
      reason: reasonOf(entry),
    }));
  }
}

function reasonOf({ options, chosen, request }: Entry): string {
  const { budgetMs } = request;
  const limit = Number.isFinite(budgetMs) ? `${Math.round(budgetMs)} ms left` : "no limit";
  if (options.length === 0) return `${limit}; no node can run it`;
  const others = options.filter((option) => option !== chosen).map(describe);
  const why = chosen
    ? `best is ${describe(chosen)}`
    : "no option has a nonnegative score within the budget";
  return `${limit}; ${why}${others.length > 0 ? `; others: ${others.join(", ")}` : ""}`;
}

/** For example `warm here: 0.83 (93 % in time, price 0.1)`. */
function describe({ name, score, inTime, price }: Option): string {
  const cost = price > 0 ? `, price ${round(price)}` : "";
  return `${name}: ${round(score)} (${Math.round(100 * inTime)} % in time${cost})`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(2)));
}
