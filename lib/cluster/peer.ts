/**
 * What a node knows of one other node.
 *
 * @module
 */

import type { NodeNews, NodeRecord } from "../model/node.ts";
import type { PeerView } from "../policy.ts";
import { parseHostPort } from "./address.ts";
import { LatencyFilter } from "./latency_filter.ts";

/** Failed probes in a row after which a node is not chosen any more. */
const fatalFailures = 2;
/** Age at which news counts half as much as when it came, ms. */
const newsHalfLifeMs = 10_000;
/** Load that is assumed where nothing is known, as a share of the memory. */
const unknownLoad = 0.5;
/** Load at which more of it makes no difference: the cost of a full node is finite. */
const fullLoad = 0.95;
/** What any choice costs beside the way, ms: among very near nodes the load decides. */
const baseCostMs = 1;
/** What each waiting request of a peer is assumed to cost, ms. */
const queueCostMs = 10;

/** One other node: its record, its news, and how probes of it went. */
export class Peer {
  /** As the registry has it. */
  readonly record: NodeRecord;
  /** Where it answers datagrams; undefined if it does not. */
  readonly udp: { readonly hostname: string; readonly port: number } | undefined;
  /** What it told last. */
  news: NodeNews | undefined;
  /** When it told it, on the node's clock. */
  heardAt = -Infinity;
  /** Cost of choosing it, from the last ranking; lower is better. */
  cost = Infinity;
  readonly #filter = new LatencyFilter();
  /** Failed probes in a row. */
  #failures = 0;
  #predictedMs = NaN;

  /**
   * A node that nothing was heard of yet.
   *
   * @param record as the registry has it
   */
  constructor(record: NodeRecord) {
    this.record = record;
    this.udp = parseHostPort(record.Udp);
  }

  /** True if the last probe failed, or a request could not be sent. */
  get suspect(): boolean {
    return this.#failures > 0;
  }

  /** False if it is taken for dead. */
  get reachable(): boolean {
    return this.#failures < fatalFailures;
  }

  /** True if it balances the load of its area. */
  get isBalancer(): boolean {
    return this.record.Role === "balancer";
  }

  /** Expected round trip, ms: measured, else predicted, else infinite. */
  get rttMs(): number {
    const measured = this.#filter.value;
    if (!Number.isNaN(measured)) return measured;
    return Number.isNaN(this.#predictedMs) ? Infinity : this.#predictedMs;
  }

  /** A probe was answered. @returns the filtered round trip, ms */
  answered(rttMs: number, now: number): number {
    this.#failures = 0;
    this.heardAt = now;
    return this.#filter.add(rttMs);
  }

  /** A probe was not answered. */
  missed(): void {
    this.#failures++;
  }

  /** A request could not even be sent: that is as good as all the probes. */
  refused(): void {
    this.#failures = Math.max(this.#failures, fatalFailures);
  }

  /** Age of what is known of its load, ms; infinite if nothing is. */
  ageMs(now: number): number {
    return now - this.heardAt;
  }

  /** Remembers a predicted round trip, which counts until one is measured. */
  predict(rttMs: number): void {
    this.#predictedMs = rttMs;
  }

  /**
   * Works out what choosing it costs: the way, made longer by its load as waiting lines grow with it
   * (1 / (1 - load)), and its queue. Old news counts less.
   *
   * @param now on the node's clock
   */
  rate(now: number): void {
    const { news } = this;
    const trust = news ? 0.5 ** (this.ageMs(now) / newsHalfLifeMs) : 0;
    const told = news && news.totalMemoryMib > 0
      ? 1 - news.availableMemoryMib / news.totalMemoryMib
      : 0;
    const load = this.isBalancer ? 0 : trust * told + (1 - trust) * unknownLoad;
    const queue = trust * (news?.queueLength ?? 0);
    this.cost = (this.rttMs + baseCostMs) / (1 - Math.min(fullLoad, Math.max(0, load))) +
      queue * queueCostMs;
  }

  /**
   * What a policy sees of it.
   *
   * @param functionName which function must be warm
   * @param isCloud true if it is a way to the cloud
   * @param now on the node's clock
   */
  view(functionName: string, isCloud: boolean, now: number): PeerView {
    const { news, record, isBalancer } = this;
    return {
      id: record.Id,
      area: record.Area,
      isCloud,
      rttMs: this.rttMs,
      ageMs: this.ageMs(now),
      availableMemoryMib: isBalancer ? Infinity : news?.availableMemoryMib ?? 0,
      freeCpu: isBalancer ? Infinity : news?.freeCpu ?? 0,
      queueLength: news?.queueLength ?? 0,
      warm: news?.warm(functionName) ?? false,
    };
  }
}
