/**
 * The other nodes as one simulated node knows them: the node's own peer table and probe plan, with
 * news and requests that travel by the simulation's clock instead of sockets.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Peer } from "../../cluster/peers/peer.ts";
import { PeerTable } from "../../cluster/peers/table.ts";
import type { Eligibility, Forwarded, Peers, PeerSummary } from "../../cluster/peers/peers.ts";
import { ProbePlan, urgentIntervalMs } from "../../cluster/status/probe_plan.ts";
import { Vivaldi } from "../../cluster/coordinates/vivaldi.ts";
import type { InvocationResult } from "../../model/invocation.ts";
import type { Coordinate, NodeRecord, PeerStatus } from "../../model/node.ts";
import type { PeerView } from "../../policy/contract.ts";
import { carry } from "./carry.ts";
import type { Random } from "./distributions.ts";
import type { LinkKind, Network } from "./network.ts";
import type { Reachable } from "./reachable.ts";

/** What peers work with. */
export interface SimPeersOptions {
  /** The node's id. */
  readonly id: string;
  /** The node's area. */
  readonly area: string;
  /** Area that is the cloud; empty: none. */
  readonly remoteArea: string;
  /** The simulation's clock. */
  readonly clock: Clock;
  /** Chance of the node. */
  readonly random: Random;
  /** The links. */
  readonly network: Network;
  /** Cost of any offloading beside the way, ms. */
  readonly overheadMs: number;
  /** Time between two rounds of status news, ms. */
  readonly statusMs: number;
  /** Told when a peer has told its news. */
  readonly heard: () => void;
  /** Finds who is registered by an id now. */
  readonly reach: (id: string) => Reachable | undefined;
}

/** The other nodes. */
export class SimPeers implements Peers, Disposable {
  readonly #options: SimPeersOptions;
  readonly #vivaldi: Vivaldi;
  readonly #table: PeerTable;
  readonly #plan: ProbePlan;
  #cancelRound: () => void = () => {};
  #cancelHurry: (() => void) | undefined;
  #askedAt = -Infinity;

  /** Nobody known yet. */
  constructor(options: SimPeersOptions) {
    const { id, area, remoteArea, clock, random } = options;
    this.#options = options;
    this.#vivaldi = new Vivaldi(random);
    this.#table = new PeerTable({
      id,
      area,
      remoteArea: remoteArea === area ? "" : remoteArea,
      vivaldi: this.#vivaldi,
      now: () => clock.now(),
      random,
    });
    this.#plan = new ProbePlan(this.#table, random);
  }

  /** The node's own coordinate. */
  get coordinate(): Coordinate {
    return this.#vivaldi.coordinate;
  }

  /**
   * Takes over who is registered, and begins to ask for news.
   *
   * @param records all nodes
   */
  join(records: readonly NodeRecord[]): void {
    this.#table.reset(records);
    this.#round();
  }

  /** A node has registered anew. */
  joined(record: NodeRecord): void {
    this.#table.put(record);
  }

  /** Asks nobody any more. */
  [Symbol.dispose](): void {
    this.#cancelRound();
    this.#cancelHurry?.();
  }

  /** See {@link Peers}. */
  near(eligible: Eligibility): readonly PeerView[] {
    return this.#table.near(eligible);
  }

  /** See {@link Peers}. */
  cloud(eligible: Eligibility): PeerView | undefined {
    return this.#table.cloud(eligible);
  }

  /** See {@link Peers}. */
  isCloud(id: string): boolean {
    return this.#table.isCloud(id);
  }

  /** See {@link Peers}. */
  requestStatus(): void {
    if (this.#cancelHurry) return;
    const { clock } = this.#options;
    this.#cancelHurry = clock.after(
      Math.max(0, this.#askedAt + urgentIntervalMs - clock.now()),
      () => {
        this.#cancelHurry = undefined;
        this.#askedAt = clock.now();
        for (const peer of this.#plan.urgent()) this.#ask(peer);
      },
    );
  }

  /** See {@link Peers}. */
  summary(): PeerSummary {
    return this.#table.summary();
  }

  /** See {@link Peers}. */
  async send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const { clock, network, overheadMs, reach } = this.#options;
    const peer = this.#table.get(to);
    const { memoryMib, cpu } = forwarded.record;
    const ended = peer?.startRequest({ memoryMib, cpu });
    try {
      return await carry(reach(to), forwarded, {
        clock,
        network,
        link: this.#linkTo(to),
        overheadMs,
        signal,
        told: (resources) => peer?.updateResources(resources),
        unreachable: () => this.#table.connectionFailed(to),
      });
    } finally {
      ended?.();
    }
  }

  #linkTo(id: string): LinkKind {
    const { network, area } = this.#options;
    return network.kind(area, this.#table.get(id)?.record.area ?? area);
  }

  #round(): void {
    const { clock, statusMs } = this.#options;
    this.#askedAt = clock.now();
    for (const peer of this.#plan.next()) this.#ask(peer);
    for (const peer of this.#balancers()) this.#ask(peer);
    this.#cancelRound = clock.after(statusMs, () => this.#round());
  }

  /** The plan is of those that tell news: balancers are only asked whether they are well. */
  #balancers(): Peer[] {
    const { remoteArea } = this.#options;
    return [...this.#table.all].filter(({ isBalancer, record }) =>
      isBalancer && record.area === remoteArea
    );
  }

  #ask(peer: Peer): void {
    const { clock, network, reach, heard } = this.#options;
    const { id, incarnation } = peer.record;
    const link = this.#linkTo(id);
    const sentAt = clock.now();
    clock.after(network.delayMs(link), () => {
      const there = reach(id);
      if (!there?.alive || there.record.incarnation !== incarnation) {
        return clock.after(network.delayMs(link), () => this.#table.probeFailed(peer));
      }
      const told = there.news();
      clock.after(network.delayMs(link), () => {
        this.#table.probeSucceeded(peer, clock.now() - sentAt, told && nodeNews(told));
        if (told) heard();
      });
    });
  }
}

function nodeNews({ warm, ...told }: NonNullable<ReturnType<Reachable["news"]>>): PeerStatus {
  const names = new Set(warm);
  return { ...told, warm: (name) => names.has(name), hasImage: () => true };
}
