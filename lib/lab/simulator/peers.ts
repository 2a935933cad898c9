/**
 * Peers of a simulated node: the peer table and probe plan of a real one, with status updates and
 * requests transferred by the virtual clock.
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
import { transfer } from "./transfer.ts";
import type { Random } from "./distributions.ts";
import type { LinkKind, Network } from "./network.ts";
import type { Reachable } from "./reachable.ts";

/** Dependencies of peers. */
export interface SimPeersOptions {
  /** The node's id. */
  readonly id: string;
  /** The node's area. */
  readonly area: string;
  /** Area of the cloud; empty if there is none. */
  readonly remoteArea: string;
  /** The simulation's clock. */
  readonly clock: Clock;
  /** Source of randomness. */
  readonly random: Random;
  readonly network: Network;
  /** Overhead of offloading in addition to the network, ms. */
  readonly overheadMs: number;
  /** Interval of status updates, ms. */
  readonly statusMs: number;
  /** Called after each status update. */
  readonly receivedStatus: () => void;
  /** Finds the node or balancer with an id. */
  readonly reach: (id: string) => Reachable | undefined;
}

/** Peers of a simulated node. */
export class SimPeers implements Peers, Disposable {
  readonly #options: SimPeersOptions;
  readonly #vivaldi: Vivaldi;
  readonly #table: PeerTable;
  readonly #plan: ProbePlan;
  #cancelRound: () => void = () => {};
  #cancelRequest: (() => void) | undefined;
  #askedAt = -Infinity;

  /** Creates a set without peers; {@link SimPeers.join} registers them. */
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

  /** The node's network coordinate. */
  get coordinate(): Coordinate {
    return this.#vivaldi.coordinate;
  }

  /** Registers peers and starts the status updates. */
  join(records: readonly NodeRecord[]): void {
    this.#table.reset(records);
    this.#round();
  }

  /** Registers a restarted node. */
  joined(record: NodeRecord): void {
    this.#table.put(record);
  }

  /** Stops the status updates. */
  [Symbol.dispose](): void {
    this.#cancelRound();
    this.#cancelRequest?.();
  }

  near(eligible: Eligibility): readonly PeerView[] {
    return this.#table.near(eligible);
  }

  cloud(eligible: Eligibility): PeerView | undefined {
    return this.#table.cloud(eligible);
  }

  isCloud(id: string): boolean {
    return this.#table.isCloud(id);
  }

  requestStatus(): void {
    if (this.#cancelRequest) return;
    const { clock } = this.#options;
    this.#cancelRequest = clock.after(
      Math.max(0, this.#askedAt + urgentIntervalMs - clock.now()),
      () => {
        this.#cancelRequest = undefined;
        this.#askedAt = clock.now();
        for (const peer of this.#plan.urgent()) this.#ask(peer);
      },
    );
  }

  summary(): PeerSummary {
    return this.#table.summary();
  }

  async send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const { clock, network, overheadMs, reach } = this.#options;
    const peer = this.#table.get(to);
    const { memoryMib, cpu } = forwarded.record;
    const ended = peer?.startRequest({ memoryMib, cpu });
    try {
      return await transfer(reach(to), forwarded, {
        clock,
        network,
        link: this.#linkTo(to),
        overheadMs,
        signal,
        receivedResources: (resources) => peer?.updateResources(resources),
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

  /** Balancers are not in the plan, since they report no status and are only checked for health. */
  #balancers(): Peer[] {
    const { remoteArea } = this.#options;
    return [...this.#table.all].filter(({ isBalancer, record }) =>
      isBalancer && record.area === remoteArea
    );
  }

  #ask(peer: Peer): void {
    const { clock, network, reach, receivedStatus } = this.#options;
    const { id, incarnation } = peer.record;
    const link = this.#linkTo(id);
    const sentAt = clock.now();
    clock.after(network.delayMs(link), () => {
      const there = reach(id);
      if (!there?.alive || there.record.incarnation !== incarnation) {
        return clock.after(network.delayMs(link), () => this.#table.probeFailed(peer));
      }
      const status = there.status();
      clock.after(network.delayMs(link), () => {
        this.#table.probeSucceeded(peer, clock.now() - sentAt, status && peerStatus(status));
        if (status) receivedStatus();
      });
    });
  }
}

function peerStatus({ warm, ...status }: NonNullable<ReturnType<Reachable["status"]>>): PeerStatus {
  const names = new Set(warm);
  return { ...status, warm: (name) => names.has(name), hasImage: () => true };
}
