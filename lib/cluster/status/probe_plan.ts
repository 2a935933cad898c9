/**
 * Selects the peers that a node probes in a round: never more than a few, so that its traffic does
 * not grow with the cluster, but all of them eventually.
 *
 * @module
 */

import type { Peer } from "../peers/peer.ts";
import type { PeerTable } from "../peers/table.ts";

/** Most peers probed in a round, by reason. */
const limits = {
  /** Peers that requests would be offloaded to. */
  nearest: 4,
  cloud: 2,
  /** Peers that did not answer the last probe; a second failure makes them unreachable. */
  suspect: 3,
  /** Peers without a status. */
  unknown: 4,
  /** Unreachable peers, to notice their return. */
  unreachable: 2,
  /** All others in rotation, in random order. */
  others: 2,
} as const;

/** Time between two rounds while requests wait that may be offloaded, ms. */
export const urgentIntervalMs = 250;

/** Most peers probed in one round. */
export const maxProbes = Object.values(limits).reduce<number>((sum, count) => sum + count, 0);

/** Selects the peers to probe, round by round. */
export class ProbePlan {
  readonly #table: PeerTable;
  readonly #random: () => number;
  /** Ids still to come in the current rotation. */
  #rotation: string[] = [];

  /**
   * Creates a plan before its first round.
   *
   * @param random uniform in [0, 1)
   */
  constructor(table: PeerTable, random: () => number) {
    this.#table = table;
    this.#random = random;
  }

  /** The peers to probe now, each once; without those that have no address for datagrams. */
  next(): Peer[] {
    const chosen = new Set<Peer>();
    const suspect: Peer[] = [];
    const unknown: Peer[] = [];
    const unreachable: Peer[] = [];
    for (const peer of this.#table.all) {
      if (!peer.udp) continue;
      if (!peer.reachable) unreachable.push(peer);
      else if (peer.suspect) suspect.push(peer);
      else if (!peer.status) unknown.push(peer);
    }
    const pick = (peers: Iterable<Peer>) => {
      for (const peer of peers) if (peer.udp) chosen.add(peer);
    };
    pick(this.urgent());
    pick(this.#some(suspect, limits.suspect));
    pick(this.#some(unknown, limits.unknown));
    pick(this.#some(unreachable, limits.unreachable));
    this.#addNext(chosen);
    return [...chosen];
  }

  /** The peers that a request without capacity here would be offloaded to, each once. */
  urgent(): Peer[] {
    const peers = [
      ...this.#table.nearest(limits.nearest),
      ...this.#table.cloudCandidates(limits.cloud),
    ];
    return peers.filter(({ udp }) => udp);
  }

  /** Selects a few at random. */
  #some(peers: Peer[], count: number): Peer[] {
    for (let i = 0; i < Math.min(count, peers.length); i++) this.#swap(peers, i, peers.length);
    return peers.slice(0, count);
  }

  /** Adds the next peers of the rotation. */
  #addNext(chosen: Set<Peer>): void {
    let added = 0;
    // At most one pass: in a small cluster all may be selected already.
    for (let remaining = this.#table.size; remaining > 0 && added < limits.others; remaining--) {
      if (this.#rotation.length === 0) this.#rotation = this.#shuffled();
      const peer = this.#table.get(this.#rotation.pop() ?? "");
      if (!peer?.udp || !peer.reachable || chosen.has(peer)) continue;
      chosen.add(peer);
      added++;
    }
  }

  #shuffled(): string[] {
    const ids = [...this.#table.all].map(({ record }) => record.id);
    for (let i = 0; i < ids.length; i++) this.#swap(ids, i, ids.length);
    return ids;
  }

  #swap<T>(items: T[], at: number, end: number): void {
    const other = at + Math.floor(this.#random() * (end - at));
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
}
