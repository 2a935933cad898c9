/**
 * A node's knowledge of one peer.
 *
 * @module
 */

import type { NodeRecord, PeerStatus } from "../../model/node.ts";
import type { PeerView } from "../../policy/contract.ts";
import { parseHostPort } from "../../http/host_port.ts";
import { LatencyFilter } from "../coordinates/latency_filter.ts";
import type { Eligibility } from "./peers.ts";
import { PeerMismatches } from "./mismatches.ts";
import type { Resources } from "./resource_headers.ts";

/** Failed probes in a row after which a peer is not chosen. */
const maxFailures = 2;
/** Age at which a status counts half, ms. */
const statusHalfLifeMs = 10_000;
/** Assumed load without a status, as a share of the memory. */
const unknownLoad = 0.5;
/** Highest load in the cost: the cost of a full node stays finite. */
const fullLoad = 0.95;
/** Cost in addition to the distance, ms: among very near nodes the load decides. */
const baseCostMs = 1;
/** Assumed cost of each queued request of a peer, ms. */
const queueCostMs = 10;

/** Resources that a request takes on the node that runs it. */
export interface Demand {
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores. */
  readonly cpu: number;
}

/** One peer: its record, its status and the results of probes. */
export class Peer {
  /** Its registration. */
  readonly record: NodeRecord;
  /** Address for datagrams; undefined for a balancer. */
  readonly udp: { readonly hostname: string; readonly port: number } | undefined;
  /** Mismatches between it and this node. */
  readonly mismatches: PeerMismatches;
  /** False if its registration is not signed with the cluster's secret: it is never chosen. */
  readonly isTrusted: boolean;
  /** When it last responded, on the node's clock. */
  lastSeenAt = -Infinity;
  /** Cost of choosing it, from the last ranking; lower is better. */
  cost = Infinity;
  readonly #filter = new LatencyFilter();
  #status: PeerStatus | undefined;
  /**
   * Requests sent to it since its last status that are still in flight: the status does not include
   * them.
   */
  #inFlight = { count: 0, memoryMib: 0, cpu: 0 };
  /** Failed probes in a row. */
  #failures = 0;
  #predictedMs = NaN;

  /**
   * Creates a peer without a status, which counts as reachable.
   *
   * @param distrust why its registration cannot be trusted; undefined if it can
   */
  constructor(record: NodeRecord, distrust?: string) {
    this.record = record;
    this.udp = parseHostPort(record.udp);
    this.mismatches = new PeerMismatches(record.id);
    this.isTrusted = distrust === undefined;
    if (distrust !== undefined) this.mismatches.add("registration", distrust);
  }

  /** True if the last probe failed, or a request found no connection. */
  get suspect(): boolean {
    return this.#failures > 0;
  }

  /** False if it is considered dead, or is not trusted. */
  get reachable(): boolean {
    return this.isTrusted && this.#failures < maxFailures;
  }

  /** True if it is the load balancer of its area. */
  get isBalancer(): boolean {
    return this.record.role === "balancer";
  }

  /** Expected round trip, ms: measured, else predicted, else infinite. */
  get rttMs(): number {
    const measured = this.#filter.value;
    if (!Number.isNaN(measured)) return measured;
    return Number.isNaN(this.#predictedMs) ? Infinity : this.#predictedMs;
  }

  /** Its last status. */
  get status(): PeerStatus | undefined {
    return this.#status;
  }

  /** Updates its status. */
  updateStatus(status: PeerStatus): void {
    this.#status = status;
    this.#inFlight = { count: 0, memoryMib: 0, cpu: 0 };
  }

  /** Updates its free resources from a response; ignored without a full status. */
  updateResources({ freeMemoryMib: availableMemoryMib, freeCpu }: Resources): void {
    if (this.#status) this.updateStatus({ ...this.#status, availableMemoryMib, freeCpu });
  }

  /**
   * Counts a request sent to it, which takes capacity that its status reports as free.
   *
   * @returns a function to call when the request has ended
   */
  startRequest(demand: Demand): () => void {
    const status = this.#status;
    this.#count(demand, 1);
    return () => {
      if (status === this.#status) this.#count(demand, -1);
    };
  }

  /** Records an answered probe. @returns the filtered round trip, ms */
  probeSucceeded(rttMs: number, now: number): number {
    this.#failures = 0;
    this.lastSeenAt = now;
    return this.#filter.add(rttMs);
  }

  /** Records a failed probe. */
  probeFailed(): void {
    this.#failures++;
  }

  /** Records a failed connection, which counts like a series of failed probes. */
  connectionFailed(): void {
    this.#failures = Math.max(this.#failures, maxFailures);
  }

  /** Time since its last answered probe, ms; infinite if there is none. */
  ageMs(now: number): number {
    return now - this.lastSeenAt;
  }

  /** Sets a predicted round trip, used until one is measured. */
  predict(rttMs: number): void {
    this.#predictedMs = rttMs;
  }

  /**
   * Computes the cost of choosing it: the distance, divided by (1 - load) as queues grow with the
   * load, plus its queue. The weight of a status decreases with its age.
   *
   * @param now on the node's clock
   */
  updateCost(now: number): void {
    const { status } = this;
    const trust = status ? 0.5 ** (this.ageMs(now) / statusHalfLifeMs) : 0;
    const reported = status && status.totalMemoryMib > 0
      ? 1 - status.availableMemoryMib / status.totalMemoryMib
      : 0;
    const load = this.isBalancer ? 0 : trust * reported + (1 - trust) * unknownLoad;
    const queue = trust * (status?.queueLength ?? 0);
    this.cost = (this.rttMs + baseCostMs) / (1 - Math.min(fullLoad, Math.max(0, load))) +
      queue * queueCostMs;
  }

  /**
   * A policy's view of it.
   *
   * @param fn the function, and what it needs of images
   * @param isCloud true if it is a way to the cloud
   * @param now on the node's clock
   */
  view(fn: Pick<Eligibility, "functionName" | "need">, isCloud: boolean, now: number): PeerView {
    const { status, record, isBalancer } = this;
    const { memoryMib, cpu, count } = this.#inFlight;
    // Requests sent to it since its status may have taken the instance that it reported.
    const warm = count === 0 && (status?.warm(fn.functionName) ?? false);
    const remaining = (reported: number | undefined, sent: number) =>
      Math.max(0, (reported ?? 0) - sent);
    return {
      id: record.id,
      area: record.area,
      isCloud,
      rttMs: this.rttMs,
      ageMs: this.ageMs(now),
      availableMemoryMib: isBalancer ? Infinity : remaining(status?.availableMemoryMib, memoryMib),
      freeCpu: isBalancer ? Infinity : remaining(status?.freeCpu, cpu),
      queueLength: status?.queueLength ?? 0,
      warm,
      imageMissing: !warm && this.lacksImage(fn.need),
    };
  }

  /**
   * True if it would have to fetch an image first, as far as is known.
   *
   * @param need as in `needOf`
   */
  lacksImage(need: string): boolean {
    return this.#status !== undefined && !this.isBalancer && !this.#status.hasImage(need);
  }

  #count({ memoryMib, cpu }: Demand, sign: 1 | -1): void {
    this.#inFlight.count += sign;
    this.#inFlight.memoryMib += sign * memoryMib;
    this.#inFlight.cpu += sign * cpu;
  }
}
