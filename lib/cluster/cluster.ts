/**
 * A node's part in its cluster: it registers, follows who else is there, exchanges status with
 * others, and sends requests to them.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { logger } from "../base/log.ts";
import type { InvocationResult } from "../model/invocation.ts";
import type { Coordinate, NodeRecord } from "../model/node.ts";
import type { PeerView } from "../policy/contract.ts";
import type { NodeObserver, Registration, Registry } from "../registry/registry.ts";
import { hostPort } from "../http/host_port.ts";
import { loopbackProblem } from "./address.ts";
import type { LocalStatus } from "./status/datagram.ts";
import { HealthProber } from "./health_prober.ts";
import { type MemberView, viewOf } from "./members.ts";
import type { Peer } from "./peers/peer.ts";
import { PeerClient } from "./peers/client.ts";
import { PeerTable } from "./peers/table.ts";
import type { Eligibility, Forwarded, Peers, Surroundings } from "./peers/peers.ts";
import { Prober, type Traffic } from "./status/prober.ts";
import { silenceCheckMs, SilenceWatch } from "./status/silence.ts";
import { openStatusSocket } from "./status/socket.ts";
import { Vivaldi } from "./coordinates/vivaldi.ts";

/** What a node's part in a cluster is made of. */
export interface ClusterOptions {
  /** Where nodes register; outlives the cluster. */
  readonly registry: Pick<Registry, "registerNode" | "watchNodes">;
  /** Who the node is. */
  readonly node: { readonly id: string; readonly area: string; readonly architecture: string };
  /** Names the node's data folder. */
  readonly home?: string;
  /** Where etcd is, `host:port` or URLs; what is elsewhere is shared with other machines. */
  readonly endpoints?: readonly string[];
  /** Address that the API listens on; undefined where a proxy stands between. */
  readonly listen?: string | undefined;
  /** IP address by which others reach this node. */
  readonly address: string;
  /** URL by which others reach this node's API; empty: made of its address and port. */
  readonly url?: string;
  /** Area that is the cloud; empty: none. */
  readonly remoteArea: string;
  /** The cluster's secret; empty: nothing is signed. */
  readonly secret: string;
  /** Where datagrams of others reach this node, `address:port`; empty: at its address and port. */
  readonly udp?: string;
  /** Port for datagrams; 0 takes a free one. */
  readonly udpPort: number;
  /** False to take a free port where that one is taken: others learn it from the registration. */
  readonly udpPortIsFixed: boolean;
  /** Time between two rounds of datagrams, ms. */
  readonly nearbyMs: number;
  /** Time between two looks at the balancers of the remote area, ms. */
  readonly monitoringMs: number;
  /** Time between two looks at a peer on which requests are under way, ms. */
  readonly silenceMs?: number;
  /** The node's clock. */
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What the node tells of itself; cheap. */
  readonly news: () => LocalStatus;
  /** Told when others have told their news: they may have room for what waits here. */
  readonly heard: () => void;
}

/** The cluster as one node sees it. */
export class Cluster implements Peers, AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #vivaldi: Vivaldi;
  readonly #table: PeerTable;
  readonly #client: PeerClient;
  readonly #silence: SilenceWatch;
  readonly #udp: string;
  readonly #prober: Prober;
  readonly #owned = new AsyncDisposableStack();
  #joined: NodeRecord | undefined;
  /** Why the node does not join. */
  #unreachable: string | undefined;
  #registration: Registration | undefined;

  private constructor(options: ClusterOptions, socket: Deno.DatagramConn) {
    const { node, clock, random, remoteArea } = options;
    this.#options = options;
    this.#vivaldi = new Vivaldi(random);
    this.#table = new PeerTable({
      id: node.id,
      area: node.area,
      // Nobody is his own cloud.
      remoteArea: remoteArea === node.area ? "" : remoteArea,
      vivaldi: this.#vivaldi,
      now: () => clock.now(),
      random,
    });
    this.#client = this.#owned.use(new PeerClient(options.secret));
    this.#silence = this.#owned.use(
      new SilenceWatch({
        clock,
        checkMs: options.silenceMs ?? silenceCheckMs,
        isAlive: ({ record }) => this.#client.isAlive(record),
      }),
    );
    this.#udp = options.udp || hostPort(options.address, (socket.addr as Deno.NetAddr).port);
    this.#prober = this.#owned.use(
      new Prober({
        id: node.id,
        table: this.#table,
        vivaldi: this.#vivaldi,
        socket,
        secret: options.secret,
        intervalMs: options.nearbyMs,
        clock,
        random,
        news: options.news,
        heard: options.heard,
      }),
    );
  }

  /**
   * Begins to follow the cluster; {@link Cluster.join} makes the node part of it.
   *
   * @throws `CONFIG_INVALID` if the port for datagrams is taken and no other will do
   */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const { address, udpPort, udpPortIsFixed } = options;
    const socket = openStatusSocket(address, udpPort, udpPortIsFixed);
    const cluster = new Cluster(options, socket);
    try {
      await cluster.#follow();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Registers the node, so that others send it requests. It keeps registered until it is disposed. A
   * node whose address means other machines there does not register, and says so.
   *
   * @param apiPort port of its API, which must be served already
   */
  join(apiPort: number): void {
    if (this.#joined || this.#unreachable) return;
    const { node, address, url: given, registry, home, endpoints = [], listen } = this.#options;
    const url = given || `http://${hostPort(address, apiPort)}`;
    this.#unreachable = loopbackProblem(url, endpoints, listen);
    if (this.#unreachable) {
      logger("cluster").warn("The node does not join the cluster: {problem}", {
        problem: this.#unreachable,
      });
      return;
    }
    this.#joined = {
      id: node.id,
      area: node.area,
      role: "node",
      url,
      udp: this.#udp,
      architecture: node.architecture,
      incarnation: randomId(12),
      ...(home !== undefined && { home }),
    };
    this.#registration = registry.registerNode(this.#joined, (other) => this.#isRival(other));
  }

  async #isRival(other: NodeRecord): Promise<boolean> {
    if (!await this.#client.isAlive(other)) return false;
    if (!this.#registration?.rival) {
      logger("cluster").warn("The node is not registered: {problem}", { problem: rivalry(other) });
    }
    return true;
  }

  /** Deregisters the node: others send it nothing more, while it can still send to them. */
  async leave(): Promise<void> {
    await this.#registration?.[Symbol.asyncDispose]();
    this.#registration = undefined;
  }

  /** Where others reach this node; empty until it has joined. */
  get url(): string {
    return this.#joined?.url ?? "";
  }

  /** The node's own network coordinate. */
  get coordinate(): Coordinate {
    return this.#vivaldi.coordinate;
  }

  /** What its datagrams amount to. */
  get traffic(): Readonly<Traffic> {
    return this.#prober.traffic;
  }

  /** All members that are known, this node first once it has joined, then by area and id. */
  members(): MemberView[] {
    const now = this.#options.clock.now();
    const others = [...this.#table.all]
      .map((peer) => viewOf(peer, now, this.#table.isCloudTarget(peer)))
      .sort((a, b) => order(a.Area, b.Area) || order(a.Id, b.Id));
    return this.#joined ? [this.#self(this.#joined), ...others] : others;
  }

  /** What keeps the node from sending requests to others, in words; nothing if all is well. */
  problems(): string[] {
    const { node, remoteArea } = this.#options;
    const all = [...this.#table.all];
    const near = all.filter(({ record }) => record.area === node.area && record.role === "node");
    const problems: string[] = [];
    if (this.#unreachable) problems.push(`cluster: the node has not joined: ${this.#unreachable}`);
    const rival = this.#registration?.rival;
    if (rival) problems.push(`cluster: the node is not registered: ${rivalry(rival)}`);
    if (near.length > 0 && !near.some(({ reachable }) => reachable)) {
      problems.push(`neighbours: none of ${near.length} in area ${node.area} answers`);
    }
    if (remoteArea !== "" && remoteArea !== node.area) {
      const cloud = all.some((peer) => peer.reachable && this.#table.isCloudTarget(peer));
      if (!cloud) problems.push(`cloud: nobody in area ${remoteArea} answers`);
    }
    return problems;
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
    this.#prober.hurry();
  }

  /** See {@link Peers}. */
  surroundings(): Surroundings {
    return this.#table.surroundings();
  }

  /**
   * See {@link Peers}. A peer that cannot be reached is not chosen until a probe is answered; one that
   * falls silent while it has the request is waited for no longer.
   */
  async send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const peer = this.#table.get(to);
    if (!peer) throw new ServerledgeError("PEER_UNREACHABLE", `There is no node ${to}`);
    const { memoryMib, cpu } = forwarded.record;
    const ended = peer.sent({ memoryMib, cpu });
    const control = new AbortController();
    const leave = () => control.abort();
    // As long as the signal lives: it also ends an answer whose body is still under way.
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    let isSilent = false;
    const watched = this.#silence.begin(peer, () => {
      isSilent = true;
      leave();
    });
    try {
      const report = await this.#client.send(
        peer.record,
        forwarded,
        control.signal,
        (resources) => peer.corrected(resources),
      );
      peer.problems.mended("refused");
      return report;
    } catch (error) {
      if (isSilent && !signal.aborted) {
        this.#table.refused(to);
        throw silent(peer, error);
      }
      const { code, details } = error as ServerledgeError;
      if (details?.peerCode === "UNAUTHORIZED") {
        peer.problems.note(
          "refused",
          this.#options.secret === ""
            ? "it refuses requests without a signature, and this node has no cluster.secret"
            : "it refuses requests that are signed with this node's cluster.secret",
        );
      }
      if (code === "PEER_UNREACHABLE") this.#table.refused(to);
      throw error;
    } finally {
      watched();
      ended();
    }
  }

  /** Leaves the cluster, and closes all that was open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
    await this.#owned.disposeAsync();
  }

  async #follow(): Promise<void> {
    const { registry, remoteArea, clock, monitoringMs, node } = this.#options;
    const table = this.#table;
    const health = remoteArea === "" || remoteArea === node.area ? undefined : this.#owned.use(
      new HealthProber({ table, remoteArea, intervalMs: monitoringMs, clock }),
    );
    const changed = () => {
      this.#client.keepOnly(new Set([...table.all].map(({ record }) => record.url)));
      health?.greet();
    };
    const observer: NodeObserver = {
      reset: (records) => (table.reset(records), changed()),
      put: (record) => (table.put(record), changed()),
      remove: (id) => (table.remove(id), changed()),
    };
    this.#owned.use(await registry.watchNodes(observer));
  }

  #self(record: NodeRecord): MemberView {
    const { warm: _warm, images: _images, ...load } = this.#options.news();
    const unasked = { warm: () => false, hasImage: () => false };
    const news = { ...load, ...unasked, coordinate: this.coordinate };
    return {
      ...viewOf({ record, news, rttMs: 0, heardAt: 0, reachable: true }, 0, false),
      Self: true,
    };
  }
}

function rivalry({ id, url }: NodeRecord): string {
  return `its id ${id} belongs to another node, at ${url}; set registry.node.id to another id, or none ` +
    "to get one, and restart it";
}

function silent({ record }: Peer, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    `Node ${record.id} at ${record.url} got the request and gives no sign of life any more; the function may have run there`,
    { cause },
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
