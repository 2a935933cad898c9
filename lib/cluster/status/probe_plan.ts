/**
 * Which peers a node asks for news in a round: never more than a few, so that its traffic does not
 * grow with the cluster, and everybody in the end.
 *
 * @module
 */

import type { Peer } from "../peers/peer.ts";
import type { PeerTable } from "../peers/table.ts";

/** Most peers asked in a round, by reason. */
const share = {
  /** Those that requests would go to. */
  nearest: 4,
  /** Ways to the cloud. */
  cloud: 2,
  /** Those that did not answer last time: two failures end the doubt. */
  doubtful: 3,
  /** Those that nothing was heard of yet. */
  unheard: 4,
  /** Those that are taken for dead, to notice their return. */
  dead: 2,
  /** All others in turn, in random order. */
  others: 2,
} as const;

/** Time between two rounds while requests wait that might go elsewhere, ms. */
export const hurryMs = 250;

/** Most peers asked in one round. */
export const maxProbes = Object.values(share).reduce<number>((sum, count) => sum + count, 0);

/** Chooses whom to ask, round by round. */
export class ProbePlan {
  readonly #table: PeerTable;
  readonly #random: () => number;
  /** Those whose turn is still to come. */
  #deck: string[] = [];

  /**
   * A plan of the first round.
   *
   * @param table the peers
   * @param random uniform in [0, 1)
   */
  constructor(table: PeerTable, random: () => number) {
    this.#table = table;
    this.#random = random;
  }

  /**
   * The peers to ask now; not those that have no address for datagrams.
   *
   * @returns each at most once
   */
  next(): Peer[] {
    const chosen = new Set<Peer>();
    const doubtful: Peer[] = [];
    const unheard: Peer[] = [];
    const dead: Peer[] = [];
    for (const peer of this.#table.all) {
      if (!peer.udp) continue;
      if (!peer.reachable) dead.push(peer);
      else if (peer.suspect) doubtful.push(peer);
      else if (!peer.news) unheard.push(peer);
    }
    const pick = (peers: Iterable<Peer>) => {
      for (const peer of peers) if (peer.udp) chosen.add(peer);
    };
    pick(this.urgent());
    pick(this.#some(doubtful, share.doubtful));
    pick(this.#some(unheard, share.unheard));
    pick(this.#some(dead, share.dead));
    this.#deal(chosen);
    return [...chosen];
  }

  /**
   * The peers that a request which finds no room here would go to.
   *
   * @returns each at most once
   */
  urgent(): Peer[] {
    const peers = [
      ...this.#table.nearest(share.nearest),
      ...this.#table.cloudCandidates(share.cloud),
    ];
    return peers.filter(({ udp }) => udp);
  }

  /** A random few. */
  #some(peers: Peer[], count: number): Peer[] {
    for (let i = 0; i < Math.min(count, peers.length); i++) this.#swap(peers, i, peers.length);
    return peers.slice(0, count);
  }

  /** Adds those whose turn it is. */
  #deal(chosen: Set<Peer>): void {
    let dealt = 0;
    // One pass through the deck at most: a small cluster may be chosen already.
    for (let looks = this.#table.size; looks > 0 && dealt < share.others; looks--) {
      if (this.#deck.length === 0) this.#deck = this.#shuffled();
      const peer = this.#table.get(this.#deck.pop() ?? "");
      if (!peer?.udp || !peer.reachable || chosen.has(peer)) continue;
      chosen.add(peer);
      dealt++;
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
