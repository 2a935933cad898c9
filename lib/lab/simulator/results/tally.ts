/**
 * What clients saw: how each request ended, by class.
 *
 * @module
 */

import type { ErrorCode } from "../../../base/errors.ts";
import type { QosClass } from "../../../model/qos.ts";

/** Where a request was answered from. */
export type AnswerPlace = "local" | "edge" | "cloud";

/** How one request ended. */
export interface RequestEnd {
  /** Index of its class. */
  readonly qos: number;
  /** When it arrived, ms. */
  readonly arrivedAt: number;
  /** When it was answered, ms. */
  readonly answeredAt: number;
  /** `OK`, or the code of its error. */
  readonly code: "OK" | ErrorCode;
  /** Where it ran; undefined if it did not succeed. */
  readonly place: AnswerPlace | undefined;
  /** True if an instance was started for it. */
  readonly cold: boolean;
}

/** The requests of one class. */
export interface ClassTally {
  /** The class. */
  readonly qosClass: QosClass;
  /** Requests. */
  arrived: number;
  /** Answered with a result. */
  served: number;
  /** Answered with a result within the limit. */
  inTime: number;
  /** Not answered within the limit, or broken off. */
  late: number;
  /** Refused. */
  dropped: number;
  /** Run, be it to their end or not: neither refused nor left in line until it was too late. */
  ran: number;
  /** Served ones that an instance was started for. */
  cold: number;
  /** Served ones by place. */
  readonly places: Record<AnswerPlace, number>;
  /** Utility of answers in time less penalties. */
  utility: number;
  /** Cost of the cloud. */
  cost: number;
  /** Response times of those served, ms. */
  readonly responses: number[];
}

/** Codes of requests that were admitted and failed: a late answer at best. */
const lateCodes: ReadonlySet<string> = new Set([
  "DEADLINE_EXCEEDED",
  "FUNCTION_CRASHED",
  "FUNCTION_ERROR",
]);

/** Rounding of times in reports, ms. */
const toleranceMs = 0.001;

/**
 * What tells requests apart before they are served.
 *
 * @param node at which they arrive
 * @param fn their function
 * @param qosClass name of their class
 */
export function flowKey(node: string, fn: string, qosClass: string): string {
  return `${node}\n${fn}\n${qosClass}`;
}

/** Counts requests as they end. */
export class Tally {
  /** By class, in the order of the constructor. */
  readonly classes: readonly ClassTally[];
  /** Utility by the second in which the request arrived. */
  readonly perSecond: Float64Array;
  /** Requests that count, by {@link flowKey}. */
  readonly flows: Map<string, number> = new Map();
  /** Cost of the cloud from the very beginning, by node at which the request arrived. */
  readonly costs: Map<string, number> = new Map();
  readonly #fromMs: number;
  #open = 0;

  /**
   * Nothing counted.
   *
   * @param classes the classes
   * @param fromMs what arrives before does not count
   * @param seconds how many seconds requests arrive
   */
  constructor(classes: readonly QosClass[], fromMs: number, seconds: number) {
    this.#fromMs = fromMs;
    this.perSecond = new Float64Array(Math.ceil(seconds) + 1);
    this.classes = classes.map((qosClass) => ({
      qosClass,
      arrived: 0,
      served: 0,
      inTime: 0,
      late: 0,
      dropped: 0,
      ran: 0,
      cold: 0,
      places: { local: 0, edge: 0, cloud: 0 },
      utility: 0,
      cost: 0,
      responses: [],
    }));
  }

  /** Requests without an answer yet. */
  get open(): number {
    return this.#open;
  }

  /**
   * A request was handed in.
   *
   * @param flow what it has in common with others ({@link flowKey})
   * @param now when, ms
   */
  arrived(flow: string, now: number): void {
    this.#open++;
    if (now >= this.#fromMs) this.flows.set(flow, (this.flows.get(flow) ?? 0) + 1);
  }

  /** A request was answered. */
  ended(end: RequestEnd): void {
    this.#open--;
    const tally = this.classes[end.qos]!;
    const { utility, penalty, limit } = tally.qosClass;
    const responseMs = end.answeredAt - end.arrivedAt;
    const ok = end.code === "OK";
    const inTime = ok && (limit <= 0 || responseMs <= limit * 1000 + toleranceMs);
    const late = !inTime && (ok || lateCodes.has(end.code));
    const worth = inTime ? utility : late ? -penalty : 0;
    this.perSecond[Math.floor(end.arrivedAt / 1000)]! += worth;
    if (end.arrivedAt < this.#fromMs) return;
    tally.arrived++;
    if (inTime) tally.inTime++;
    if (late) tally.late++;
    if (!ok && !late) tally.dropped++;
    tally.utility += worth;
    if (!ok) return;
    tally.served++;
    if (end.cold) tally.cold++;
    if (end.place) tally.places[end.place]++;
    tally.responses.push(responseMs);
  }

  /**
   * A request was run, for the first time.
   *
   * @param qos index of its class
   * @param arrivedAt when it arrived, ms
   */
  ran(qos: number, arrivedAt: number): void {
    if (arrivedAt >= this.#fromMs) this.classes[qos]!.ran++;
  }

  /**
   * The cloud was paid.
   *
   * @param qos index of the class
   * @param node at which the request arrived
   * @param now when, ms
   */
  paid(qos: number, node: string, cost: number, now: number): void {
    this.costs.set(node, (this.costs.get(node) ?? 0) + cost);
    if (now >= this.#fromMs) this.classes[qos]!.cost += cost;
  }
}
