/**
 * Counts of the outcomes of requests by class.
 *
 * @module
 */

import type { ErrorCode } from "../../../base/errors.ts";
import type { QosClass } from "../../../model/qos.ts";

/** Place of an execution. */
export type ExecutionPlace = "local" | "edge" | "cloud";

/** End of a request. */
export interface RequestEnd {
  /** Index of its class. */
  readonly qos: number;
  /** Time of arrival, ms. */
  readonly arrivedAt: number;
  /** Time of the response, ms. */
  readonly respondedAt: number;
  readonly code: "OK" | ErrorCode;
  /** Place of the execution; undefined if it failed. */
  readonly place: ExecutionPlace | undefined;
  /** True if an instance was started for it. */
  readonly cold: boolean;
}

/** Counts of one class. */
export interface ClassTally {
  readonly qosClass: QosClass;
  /** Arrivals. */
  arrived: number;
  /** Requests with a result. */
  served: number;
  /** Requests with a result within the limit. */
  inTime: number;
  /** Requests admitted, but late or failed. */
  late: number;
  /** Requests rejected. */
  dropped: number;
  /** Requests whose execution was started. */
  ran: number;
  /** Cold starts among those served. */
  cold: number;
  /** Requests served by place. */
  readonly places: Record<ExecutionPlace, number>;
  /** Utility of responses in time minus penalties. */
  utility: number;
  /** Cost of the cloud. */
  cost: number;
  /** Response times of those served, ms. */
  readonly responses: number[];
}

/** Codes of requests that were admitted and failed. */
const lateCodes: ReadonlySet<string> = new Set([
  "DEADLINE_EXCEEDED",
  "FUNCTION_CRASHED",
  "FUNCTION_ERROR",
]);

/** Rounding of times, ms. */
const toleranceMs = 0.001;

/**
 * Returns the key of a flow of requests.
 *
 * @param node id of the node of arrival
 * @param fn name of the function
 */
export function flowKey(node: string, fn: string, qosClass: string): string {
  return `${node}\n${fn}\n${qosClass}`;
}

/** Counts of a run. */
export class Tally {
  /** Counts by class, in the order of the constructor. */
  readonly classes: readonly ClassTally[];
  /** Utility by second of arrival. */
  readonly perSecond: Float64Array;
  /** Arrivals after the warm-up by {@link flowKey}. */
  readonly flows: Map<string, number> = new Map();
  /** Cost of the cloud by node of arrival, including the warm-up. */
  readonly costs: Map<string, number> = new Map();
  readonly #fromMs: number;
  #open = 0;

  /**
   * Creates counts of zero.
   *
   * @param fromMs end of the warm-up
   * @param seconds duration of the load
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

  /** Requests without a response. */
  get open(): number {
    return this.#open;
  }

  /**
   * Records an arrival.
   *
   * @param flow its flow ({@link flowKey})
   * @param now time, ms
   */
  recordArrival(flow: string, now: number): void {
    this.#open++;
    if (now >= this.#fromMs) this.flows.set(flow, (this.flows.get(flow) ?? 0) + 1);
  }

  /**
   * Records the end of a request. One that arrived during the warm-up counts only in
   * {@link Tally.perSecond}.
   */
  recordEnd(end: RequestEnd): void {
    this.#open--;
    const tally = this.classes[end.qos]!;
    const { utility, penalty, limit } = tally.qosClass;
    const responseMs = end.respondedAt - end.arrivedAt;
    const ok = end.code === "OK";
    const inTime = ok && (limit <= 0 || responseMs <= limit * 1000 + toleranceMs);
    const late = !inTime && (ok || lateCodes.has(end.code));
    const gained = inTime ? utility : late ? -penalty : 0;
    this.perSecond[Math.floor(end.arrivedAt / 1000)]! += gained;
    if (end.arrivedAt < this.#fromMs) return;
    tally.arrived++;
    if (inTime) tally.inTime++;
    if (late) tally.late++;
    if (!ok && !late) tally.dropped++;
    tally.utility += gained;
    if (!ok) return;
    tally.served++;
    if (end.cold) tally.cold++;
    if (end.place) tally.places[end.place]++;
    tally.responses.push(responseMs);
  }

  /**
   * Records the first execution of a request.
   *
   * @param qos index of its class
   * @param arrivedAt time of its arrival, ms
   */
  recordExecution(qos: number, arrivedAt: number): void {
    if (arrivedAt >= this.#fromMs) this.classes[qos]!.ran++;
  }

  /**
   * Records a cost of the cloud.
   *
   * @param qos index of the class
   * @param node id of the node of arrival
   * @param now time, ms
   */
  recordCost(qos: number, node: string, cost: number, now: number): void {
    this.costs.set(node, (this.costs.get(node) ?? 0) + cost);
    if (now >= this.#fromMs) this.classes[qos]!.cost += cost;
  }
}
