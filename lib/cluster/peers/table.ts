/**
 * Table of all peers. Short ranked lists per area and architecture are rebuilt when a status
 * arrives, so that look-ups take microseconds however many peers there are.
 *
 * @module
 */

import type { NodeRecord, PeerStatus } from "../../model/node.ts";
import type { PeerView } from "../../policy/contract.ts";
import { Peer } from "./peer.ts";
import type { Eligibility, PeerSummary } from "./peers.ts";
import type { Vivaldi } from "../coordinates/vivaldi.ts";

/** Peers of one area and architecture that are considered for a request. */
const shortListLength = 16;
/** Age of a status after which a warm instance may be gone, ms: the node has no precedence. */
const maxWarmAgeMs = 10_000;
/** Most nearby nodes that are offered to a policy. */
const maxNear = 4;

/** Dependencies and settings of a {@link PeerTable}. */
export interface PeerTableOptions {
  readonly id: string;
  readonly area: string;
  /** Area of the cloud; empty: none. */
  readonly remoteArea: string;
  readonly vivaldi: Vivaldi;
  /** Monotonic time, ms. */
  readonly now: () => number;
  readonly random: () => number;
  /** Explains why a registration cannot be trusted; undefined if it can. All can if this is absent. */
  readonly distrust?: (record: NodeRecord) => string | undefined;
}

/** The peers of a node. */
export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #peers = new Map<string, Peer>();
  /** Reachable nodes of this area by architecture, best first. */
  readonly #near = new Map<string, Peer[]>();
  /** Reachable ways to the cloud, best first: balancers by architecture "", nodes by theirs. */
  readonly #cloud = new Map<string, Peer[]>();

  /** Creates a table without peers. */
  constructor(options: PeerTableOptions) {
    this.#options = options;
  }

  /** All peers, in no order. */
  get all(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** Number of peers. */
  get size(): number {
    return this.#peers.size;
  }

  /** Returns the peer with an id. */
  get(id: string): Peer | undefined {
    return this.#peers.get(id);
  }

  /** Replaces all peers by the registered nodes. */
  reset(records: readonly NodeRecord[]): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const id of this.#peers.keys()) if (!ids.has(id)) this.#peers.delete(id);
    for (const record of records) this.#add(record);
    this.rank();
  }

  /** Adds or replaces a peer. */
  put(record: NodeRecord): void {
    this.#add(record);
    this.rank();
  }

  /** Removes a peer. */
  remove(id: string): void {
    if (this.#peers.delete(id)) this.rank();
  }

  /**
   * Records an answered probe.
   *
   * @param rttMs the measured round trip
   * @param status undefined after a health check
   */
  probeSucceeded(peer: Peer, rttMs: number, status?: PeerStatus): void {
    const filtered = peer.probeSucceeded(rttMs, this.#options.now());
    if (status) {
      peer.updateStatus(status);
      this.#options.vivaldi.update(status.coordinate, filtered);
    }
    this.rank();
  }

  /** Records a failed probe. */
  probeFailed(peer: Peer): void {
    peer.probeFailed();
    this.rank();
  }

  /** Records a request to a peer that found no connection. */
  connectionFailed(id: string): void {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.connectionFailed();
    this.rank();
  }

  /**
   * Returns nearby nodes of this area, best first: those with an idle warm instance, then by cost, those
   * without the image last.
   */
  near(eligible: Eligibility): PeerView[] {
    const { area, now } = this.#options;
    if (eligible.areas && !eligible.areas.includes(area)) return [];
    const time = now();
    const candidates = this.#eligible(this.#near, eligible);
    const views = candidates.map((peer) => {
      const view = peer.view(eligible, false, time);
      const ready = view.warm && view.queueLength === 0 && view.ageMs < maxWarmAgeMs;
      // Fetching an image takes longer than any distance: a node that has it counts as nearer.
      return { cost: peer.cost, view, rank: ready ? 0 : view.imageMissing ? 2 : 1 };
    });
    views.sort((a, b) => a.rank - b.rank || byCost(a, b));
    return views.slice(0, maxNear).map(({ view }) => view);
  }

  /**
   * The better of two random ways to the cloud (Mitzenmacher 2001), so that not all nodes choose
   * the same one at the same time.
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

  /** Returns whether a node is in the remote area. */
  isCloud(id: string): boolean {
    const { remoteArea } = this.#options;
    return remoteArea !== "" && this.#peers.get(id)?.record.area === remoteArea;
  }

  /**
   * Summarizes the reachable peers: the memory and mean round trip of near nodes, and the round trip to the
   * cloud.
   */
  summary(): PeerSummary {
    const all = [...this.#peers.values()].filter(({ reachable }) => reachable);
    const near = all.filter(({ record }) =>
      record.area === this.#options.area && record.role === "node"
    );
    const rtts = near.map(({ rttMs }) => rttMs).filter(Number.isFinite);
    const cloud = all.find((peer) => this.isCloudTarget(peer));
    return {
      peerMemoryMib: sum(near.map(({ status }) => status?.availableMemoryMib ?? 0)),
      edgeRttMs: rtts.length === 0 ? Infinity : sum(rtts) / rtts.length,
      cloudRttMs: cloud?.rttMs ?? Infinity,
    };
  }

  /** Rebuilds the ranked lists. */
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
      if (peer.status) peer.predict(vivaldi.distanceTo(peer.status.coordinate));
      peer.updateCost(time);
      if (place === area) {
        if (!peer.isBalancer) listOf(near, architecture).push(peer);
      } else if (peer.isBalancer) balancers.push(peer);
      else listOf(cloud, architecture).push(peer);
    }
    replace(this.#near, near);
    // Nodes of the remote area are targets only while it has no balancer.
    replace(this.#cloud, balancers.length > 0 ? new Map([["", balancers]]) : cloud);
  }

  #add(record: NodeRecord): void {
    if (record.id === this.#options.id) return;
    const known = this.#peers.get(record.id);
    // A restarted process is a new peer: nothing known of the old one is valid.
    if (known && sameRecord(known.record, record)) return;
    this.#peers.set(record.id, new Peer(record, this.#options.distrust?.(record)));
  }

  /** Peers in the lists that may take a request. */
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

/** Orders by cost; costs without any status are infinite and equal. */
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

/** Keeps the best peers of each list. */
function replace(lists: Map<string, Peer[]>, by: ReadonlyMap<string, Peer[]>): void {
  lists.clear();
  for (const [key, peers] of by) lists.set(key, best(peers));
}

/** The cheapest peers, cheapest first; those without a status come last. */
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
