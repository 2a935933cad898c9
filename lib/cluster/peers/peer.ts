/**
 * What a node knows of one other node.
 *
 * @module
 */

import type { NodeRecord, PeerStatus } from "../../model/node.ts";
import type { PeerView } from "../../policy/contract.ts";
import { parseHostPort } from "../../http/host_port.ts";
import { LatencyFilter } from "../coordinates/latency_filter.ts";
import type { Eligibility } from "./peers.ts";
import { PeerProblems } from "../problems.ts";
import type { Resources } from "./resource_headers.ts";

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

/** What a request takes on the node that runs it. */
export interface Demand {
  /** Memory of one instance, MiB. */
  readonly memoryMib: number;
  /** CPU of one busy instance, cores. */
  readonly cpu: number;
}

/** One other node: its record, its news, and how probes of it went. */
export class Peer {
  /** As the registry has it. */
  readonly record: NodeRecord;
  /** Where it answers datagrams; undefined if it does not. */
  readonly udp: { readonly hostname: string; readonly port: number } | undefined;
  /** What is wrong between it and this node. */
  readonly problems: PeerProblems;
  /** When it told it, on the node's clock. */
  heardAt = -Infinity;
  /** Cost of choosing it, from the last ranking; lower is better. */
  cost = Infinity;
  readonly #filter = new LatencyFilter();
  #news: PeerStatus | undefined;
  /** What this node sent it since it told last and has no answer to: its news do not know of it. */
  #sent = { count: 0, memoryMib: 0, cpu: 0 };
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
    this.udp = parseHostPort(record.udp);
    this.problems = new PeerProblems(record.id);
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
    return this.record.role === "balancer";
  }

  /** Expected round trip, ms: measured, else predicted, else infinite. */
  get rttMs(): number {
    const measured = this.#filter.value;
    if (!Number.isNaN(measured)) return measured;
    return Number.isNaN(this.#predictedMs) ? Infinity : this.#predictedMs;
  }

  /** What it told last. */
  get news(): PeerStatus | undefined {
    return this.#news;
  }

  /** It has told its news. */
  told(news: PeerStatus): void {
    this.#news = news;
    this.#sent = { count: 0, memoryMib: 0, cpu: 0 };
  }

  /** It has told with an answer what it has free now; where that is all it ever told, it is no news. */
  corrected({ freeMemoryMib: availableMemoryMib, freeCpu }: Resources): void {
    if (this.#news) this.told({ ...this.#news, availableMemoryMib, freeCpu });
  }

  /**
   * A request is sent to it, which takes room there that its news still call free.
   *
   * @returns what is to be called once the request has ended
   */
  sent(demand: Demand): () => void {
    const news = this.#news;
    this.#send(demand, 1);
    return () => {
      if (news === this.#news) this.#send(demand, -1);
    };
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
   * @param fn which function must be warm, what it needs of images
   * @param isCloud true if it is a way to the cloud
   * @param now on the node's clock
   */
  view(fn: Pick<Eligibility, "functionName" | "need">, isCloud: boolean, now: number): PeerView {
    const { news, record, isBalancer } = this;
    const { memoryMib, cpu, count } = this.#sent;
    // What was sent to it since may have taken the instance that its news tell of.
    const warm = count === 0 && (news?.warm(fn.functionName) ?? false);
    const left = (told: number | undefined, sent: number) => Math.max(0, (told ?? 0) - sent);
    return {
      id: record.id,
      area: record.area,
      isCloud,
      rttMs: this.rttMs,
      ageMs: this.ageMs(now),
      availableMemoryMib: isBalancer ? Infinity : left(news?.availableMemoryMib, memoryMib),
      freeCpu: isBalancer ? Infinity : left(news?.freeCpu, cpu),
      queueLength: news?.queueLength ?? 0,
      warm,
      imageMissing: !warm && this.lacksImage(fn.need),
    };
  }

  /**
   * True if it surely would have to fetch an image first.
   *
   * @param need what is needed (`needOf`)
   */
  lacksImage(need: string): boolean {
    return this.#news !== undefined && !this.isBalancer && !this.#news.hasImage(need);
  }

  #send({ memoryMib, cpu }: Demand, sign: 1 | -1): void {
    this.#sent.count += sign;
    this.#sent.memoryMib += sign * memoryMib;
    this.#sent.cpu += sign * cpu;
  }
}
