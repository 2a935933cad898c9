/**
 * Demand by function and class as the planner sees it, with gaps in the measurements filled.
 *
 * @module
 */

import type { Arrivals, Estimates, Statistics } from "../../lib/policy/contract.ts";
import type { QosClass } from "../../lib/model/qos.ts";
import { type Bandwidths, transferMs } from "../settings.ts";
import { probabilityInTime } from "./in_time.ts";

/** Maximum number of pairs of function and class in one plan: the most frequent ones. */
const maxPairs = 500;

/** Service of one place: this node, its peers, or the cloud. */
export interface Service {
  /** False if nothing can be sent there. */
  readonly reachable: boolean;
  /** Time that a request holds an instance, s. */
  readonly seconds: number;
  /** Probability of a response in time. */
  readonly inTime: number;
}

/** Demand for one function and class. */
export interface Demand {
  readonly functionName: string;
  /** QoS class. */
  readonly qosClass: QosClass;
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** Requests per second. */
  readonly rate: number;
  readonly local: Service;
  /** Its peers. */
  readonly edge: Service;
  readonly cloud: Service;
}

/**
 * Returns the demand that can be planned: arrivals of functions that were measured somewhere.
 *
 * @param statistics measurements
 * @param bandwidths to peers and to the cloud
 */
export function demandsOf(statistics: Statistics, bandwidths: Bandwidths): Demand[] {
  return statistics.arrivals
    .filter(({ rate }) => rate > 0)
    .sort((a, b) => b.rate - a.rate)
    .slice(0, maxPairs)
    .flatMap((arrivals) => demandOf(arrivals, statistics, bandwidths) ?? []);
}

function demandOf(
  arrivals: Arrivals,
  { edgeRttMs, cloudRttMs, peerMemoryMib }: Statistics,
  bandwidths: Bandwidths,
): Demand | undefined {
  const { functionName, qosClass, memoryMib, rate, inputSize, local, edge, remote } = arrivals;
  const guess = {
    executionMs: firstKnown(local.executionMs, edge.executionMs, remote.executionMs),
    startMs: firstKnown(local.startMs, edge.startMs, remote.startMs, 0),
    coldShare: 0, // what the paper's simulator assumes before it knows
  };
  if (Number.isNaN(guess.executionMs)) return undefined;
  const limitMs = qosClass.limit > 0 ? qosClass.limit * 1000 : Infinity;
  const service = (measured: Estimates, networkMs: number): Service => {
    const estimates = fill(measured, guess);
    const reachable = Number.isFinite(networkMs);
    return {
      reachable,
      seconds: estimates.executionMs / 1000,
      inTime: reachable ? probabilityInTime(limitMs, estimates, networkMs) : 0,
    };
  };
  const edgeMs = peerMemoryMib > 0 ? edgeRttMs + transferMs(inputSize, bandwidths.edge) : Infinity;
  const cloudMs = cloudRttMs + transferMs(inputSize, bandwidths.cloud);
  return {
    functionName,
    qosClass,
    memoryMib,
    rate,
    local: service(local, 0),
    edge: service(edge, edgeMs),
    cloud: service(remote, cloudMs),
  };
}

function fill(measured: Estimates, guess: Estimates): Estimates {
  return {
    executionMs: firstKnown(measured.executionMs, guess.executionMs),
    startMs: firstKnown(measured.startMs, guess.startMs),
    coldShare: firstKnown(measured.coldShare, guess.coldShare),
  };
}

function firstKnown(...values: readonly number[]): number {
  return values.find((value) => !Number.isNaN(value)) ?? NaN;
}
