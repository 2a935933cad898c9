/**
 * The last decisions with what spoke for them, kept cheaply and put into words only when asked.
 *
 * @module
 */

import type { Decision, ExplainedDecision, RequestFacts } from "../../lib/policy/contract.ts";
import type { Option } from "./options.ts";

/** How many decisions are kept. */
const kept = 50;

/** One decision. */
interface Entry {
  readonly at: number;
  readonly request: RequestFacts;
  readonly chosen: Option | undefined;
  readonly options: readonly Option[];
  readonly decision: Decision;
}

/** A ring of decisions. */
export class Journal {
  readonly #entries: Entry[] = [];
  #next = 0;

  /** Keeps a decision. */
  add(
    at: number,
    request: RequestFacts,
    options: readonly Option[],
    chosen: Option | undefined,
    decision: Decision,
  ): void {
    this.#entries[this.#next] = { at, request, options, chosen, decision };
    this.#next = (this.#next + 1) % kept;
  }

  /** The decisions, newest first. */
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
  if (options.length === 0) return `${limit}; it can go nowhere`;
  const others = options.filter((option) => option !== chosen).map(inWords);
  const why = chosen ? `best is ${inWords(chosen)}` : "nothing is worth its price";
  return `${limit}; ${why}${others.length > 0 ? `; others: ${others.join(", ")}` : ""}`;
}

/** For example `here warm: 0.83 (93 % in time, price 0.1)`. */
function inWords({ name, score, inTime, price }: Option): string {
  const cost = price > 0 ? `, price ${round(price)}` : "";
  return `${name}: ${round(score)} (${Math.round(100 * inTime)} % in time${cost})`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(2)));
}
