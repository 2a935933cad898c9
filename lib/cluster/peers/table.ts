/**
 * All other nodes in memory. Short ranked lists are kept per area and architecture, made anew when
 * news arrives, so that a question takes microseconds however many nodes there are.
 *
 * @module
 */

import type { NodeRecord, PeerStatus } from "../../model/node.ts";
import type { PeerView } from "../../policy/contract.ts";
import { Peer } from "./peer.ts";
import type { Eligibility, Surroundings } from "./peers.ts";
import type { Vivaldi } from "../coordinates/vivaldi.ts";

/** Peers of one area and architecture that are looked at for a request. */
const shortListLength = 16;
/** Age of news after which a warm instance may be gone, ms: such a node has no precedence. */
const warmTrustMs = 10_000;
/** Most near nodes that are offered to a policy. */
const maxNear = 4;

/** What a table is made with. */
export interface PeerTableOptions {
  /** The node's own id. */
  readonly id: string;
  /** The node's own area. */
  readonly area: string;
  /** Area that is the cloud; empty: none. */
  readonly remoteArea: string;
  /** The node's own coordinate. */
  readonly vivaldi: Vivaldi;
  /** Monotonic time, ms. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The other nodes. */
export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #peers = new Map<string, Peer>();
  /** Reachable nodes near by, by architecture, best first. */
  readonly #near = new Map<string, Peer[]>();
  /** Reachable ways to the cloud, best first: balancers by architecture "", nodes by theirs. */
  readonly #cloud = new Map<string, Peer[]>();

  /** A table without peers. */
  constructor(options: PeerTableOptions) {
    this.#options = options;
  }

  /** All peers, in no order. */
  get all(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** How many peers there are. */
  get size(): number {
    return this.#peers.size;
  }

  /** One peer. */
  get(id: string): Peer | undefined {
    return this.#peers.get(id);
  }

  /** Takes over who is registered; others are gone. */
  reset(records: readonly NodeRecord[]): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const id of this.#peers.keys()) if (!ids.has(id)) this.#peers.delete(id);
    for (const record of records) this.#add(record);
    this.rank();
  }

  /** A node has joined or changed. */
  put(record: NodeRecord): void {
    this.#add(record);
    this.rank();
  }

  /** A node has left. */
  remove(id: string): void {
    if (this.#peers.delete(id)) this.rank();
  }

  /**
   * A probe was answered.
   *
   * @param peer whose
   * @param rttMs the round trip
   * @param news what it told; undefined where only its health was asked
   */
  answered(peer: Peer, rttMs: number, news?: PeerStatus): void {
    const filtered = peer.answered(rttMs, this.#options.now());
    if (news) {
      peer.told(news);
      this.#options.vivaldi.update(news.coordinate, filtered);
    }
    this.rank();
  }

  /** A probe was not answered in time. */
  missed(peer: Peer): void {
    peer.missed();
    this.rank();
  }

  /** A request could not be sent to a peer. */
  refused(id: string): void {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.refused();
    this.rank();
  }

  /** See {@link Peers.near}. */
  near(eligible: Eligibility): PeerView[] {
    const { area, now } = this.#options;
    if (eligible.areas && !eligible.areas.includes(area)) return [];
    const time = now();
    const candidates = this.#eligible(this.#near, eligible);
    const views = candidates.map((peer) => {
      const view = peer.view(eligible, false, time);
      const ready = view.warm && view.queueLength === 0 && view.ageMs < warmTrustMs;
      // Fetching an image takes longer than any way: whoever has it is nearer.
      return { cost: peer.cost, view, rank: ready ? 0 : view.imageMissing ? 2 : 1 };
    });
    views.sort((a, b) => a.rank - b.rank || byCost(a, b));
    return views.slice(0, maxNear).map(({ view }) => view);
  }

  /**
   * The better of two random ways to the cloud (Mitzenmacher 2001), so that not all nodes choose
   * the same at the same time. See {@link Peers.cloud}.
   */
  cloud(eligible: Eligibility): PeerView | undefined {
    const { remoteArea, now, random } = this.#options;
    if (eligible.areas && !eligible.areas.includes(remoteArea)) return undefined;
    const able = this.#eligible(this.#cloud, eligible);
    const stocked = able.filter((peer) => !peer.lacksImage(eligible.need));
    const candidates = stocked.length > 0 ? stocked : able;
    if (candidates.length === 0) return undefined;
    const first = Math.floor(random() * candidates.length);
    const second = (first + 1 + Math.floor(random() * (candidates.length - 1))) % candidates.length;
    const [one, other] = [candidates[first]!, candidates[second]!];
    const better = byCost(one, other) <= 0 ? one : other;
    return better.view(eligible, true, now());
  }

  /** True if the peer is a way to the cloud that may be chosen now. */
  isCloudTarget(peer: Peer): boolean {
    return [...this.#cloud.values()].some((list) => list.includes(peer));
  }

  /** The nearest reachable peers, nearest first, whatever their load. */
  nearest(count: number): Peer[] {
    return [...this.#near.values()].flat()
      .sort((a, b) => a.rttMs - b.rttMs)
      .slice(0, count);
  }

  /** The best ways to the cloud, best first. */
  cloudCandidates(count: number): Peer[] {
    return [...this.#cloud.values()].flat().sort(byCost).slice(0, count);
  }

  /** See {@link Peers.isCloud}. */
  isCloud(id: string): boolean {
    const { remoteArea } = this.#options;
    return remoteArea !== "" && this.#peers.get(id)?.record.area === remoteArea;
  }

  /** See {@link Peers.surroundings}. */
  surroundings(): Surroundings {
    const all = [...this.#peers.values()].filter(({ reachable }) => reachable);
    const near = all.filter(({ record }) =>
      record.area === this.#options.area && record.role === "node"
    );
    const rtts = near.map(({ rttMs }) => rttMs).filter(Number.isFinite);
    const cloud = all.find((peer) => this.isCloudTarget(peer));
    return {
      peerMemoryMib: sum(near.map(({ news }) => news?.availableMemoryMib ?? 0)),
      edgeRttMs: rtts.length === 0 ? Infinity : sum(rtts) / rtts.length,
      cloudRttMs: cloud?.rttMs ?? Infinity,
    };
  }

  /** Makes the lists anew. */
  rank(): void {
    const { area, remoteArea, vivaldi, now } = this.#options;
    const time = now();
    const near = new Map<string, Peer[]>();
    const balancers: Peer[] = [];
    const cloud = new Map<string, Peer[]>();
    for (const peer of this.#peers.values()) {
      if (!peer.reachable) continue;
      const { area: place, architecture } = peer.record;
      if (place !== area && place !== remoteArea) continue;
      if (peer.news) peer.predict(vivaldi.distanceTo(peer.news.coordinate));
      peer.rate(time);
      if (place === area) {
        if (!peer.isBalancer) listOf(near, architecture).push(peer);
      } else if (peer.isBalancer) balancers.push(peer);
      else listOf(cloud, architecture).push(peer);
    }
    replace(this.#near, near);
    // Nodes of the remote area are asked directly only while it has no balancer.
    replace(this.#cloud, balancers.length > 0 ? new Map([["", balancers]]) : cloud);
  }

  #add(record: NodeRecord): void {
    if (record.id === this.#options.id) return;
    const known = this.#peers.get(record.id);
    // A restarted process is another node: what was known of the old one is void.
    if (known && sameRecord(known.record, record)) return;
    this.#peers.set(record.id, new Peer(record));
  }

  /** Those of the lists that may take a request. */
  #eligible(lists: ReadonlyMap<string, Peer[]>, { architectures, visited }: Eligibility): Peer[] {
    const found: Peer[] = [];
    for (const [architecture, peers] of lists) {
      const runs = architectures.length === 0 || architecture === "" ||
        architectures.includes(architecture);
      if (!runs) continue;
      for (const peer of peers) {
        if (peer.reachable && !visited.includes(peer.record.id)) found.push(peer);
      }
    }
    return found;
  }
}

/** Lower cost first; costs of peers without any news are infinite and equal. */
function byCost(a: { cost: number }, b: { cost: number }): number {
  return a.cost === b.cost ? 0 : a.cost - b.cost;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function sameRecord(a: NodeRecord, b: NodeRecord): boolean {
  return (Object.keys(b) as (keyof NodeRecord)[]).every((key) => a[key] === b[key]);
}

function listOf(lists: Map<string, Peer[]>, key: string): Peer[] {
  let list = lists.get(key);
  if (!list) lists.set(key, list = []);
  return list;
}

/** Takes the best of each list over. */
function replace(lists: Map<string, Peer[]>, by: ReadonlyMap<string, Peer[]>): void {
  lists.clear();
  for (const [key, peers] of by) lists.set(key, best(peers));
}

/** The cheapest few, cheapest first; those without news come last. */
function best(peers: Peer[]): Peer[] {
  if (peers.length <= shortListLength) return peers.sort(byCost);
  const limit = Float64Array.from(peers, ({ cost }) => cost).sort()[shortListLength - 1]!;
  const cheap = peers.filter(({ cost }) => cost < limit).sort(byCost);
  for (const peer of peers) {
    if (cheap.length >= shortListLength) break;
    if (peer.cost === limit) cheap.push(peer);
  }
  return cheap;
}
