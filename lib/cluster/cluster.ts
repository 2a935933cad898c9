/**
 * A node's membership in its cluster: registers the node, follows the other members, exchanges
 * status with them and sends them requests.
 *
 * @module
 */

import type { ClusterOptions } from "./options.ts";
import { ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { InvocationResult } from "../model/invocation.ts";
import type { Coordinate, NodeRecord } from "../model/node.ts";
import type { PeerView } from "../policy/contract.ts";
import type { NodeObserver, Registration } from "../registry/registry.ts";
import { hostPort } from "../http/host_port.ts";
import { loopbackProblem, urlOf } from "./address.ts";
import { DatagramCodec } from "./status/datagram.ts";
import { HealthProber } from "./health_prober.ts";
import { type MemberView, viewOf } from "./members.ts";
import type { Peer } from "./peers/peer.ts";
import { PeerClient } from "./peers/client.ts";
import { PeerTable } from "./peers/table.ts";
import type { Eligibility, Forwarded, Peers, PeerSummary } from "./peers/peers.ts";
import { Prober, type Traffic } from "./status/prober.ts";
import { livenessCheckMs, LivenessMonitor } from "./status/liveness_monitor.ts";
import { openStatusSocket } from "./status/socket.ts";
import { UnsignedResponse } from "./trust/request_signer.ts";
import { Vivaldi } from "./coordinates/vivaldi.ts";

/** The cluster as one node sees it. */
export class Cluster implements Peers, AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #vivaldi: Vivaldi;
  readonly #table: PeerTable;
  readonly #client: PeerClient;
  readonly #liveness: LivenessMonitor;
  readonly #udp: string;
  readonly #prober: Prober;
  readonly #owned = new AsyncDisposableStack();
  #joined: NodeRecord | undefined;
  /** Why the node did not join. */
  #loopbackProblem: string | undefined;
  #registration: Registration | undefined;

  private constructor(options: ClusterOptions, socket: Deno.DatagramConn) {
    const { node, clock, random, remoteArea } = options;
    this.#options = options;
    this.#vivaldi = new Vivaldi(random);
    this.#table = new PeerTable({
      id: node.id,
      area: node.area,
      // An area is not its own cloud.
      remoteArea: remoteArea === node.area ? "" : remoteArea,
      vivaldi: this.#vivaldi,
      now: () => clock.now(),
      random,
      distrust: (record) => options.auth?.registrations.problemOf(record),
    });
    this.#client = this.#owned.use(
      new PeerClient(options.auth?.signer, clock, options.reserveResult, options.trust),
    );
    this.#liveness = this.#owned.use(
      new LivenessMonitor({
        clock,
        checkMs: options.livenessMs ?? livenessCheckMs,
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
        codec: options.auth?.datagrams ?? new DatagramCodec(""),
        intervalMs: options.nearbyMs,
        clock,
        random,
        status: options.status,
        onStatus: options.onStatus,
      }),
    );
  }

  /**
   * Starts following the cluster; {@link Cluster.join} makes the node a member.
   *
   * @throws `CONFIG_INVALID` if the port for datagrams is taken and fixed
   */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const { address, udpPort, udpPortIsFixed, takesOver = false } = options;
    const socket = openStatusSocket(address, { port: udpPort, isFixed: udpPortIsFixed, takesOver });
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
   * Registers the node, so that others send it requests, until it is disposed. A node with an
   * address that means other machines elsewhere is not registered, which is logged.
   *
   * @param apiPort port of its API, which must be served already
   * @param isSecure whether that port serves TLS
   */
  join(apiPort: number, isSecure = false): void {
    if (this.#joined || this.#loopbackProblem) return;
    const { node, address, url: configuredUrl, registry, home, endpoints = [], listen, auth } =
      this.#options;
    const url = configuredUrl || urlOf(address, apiPort, isSecure);
    this.#loopbackProblem = loopbackProblem(url, endpoints, listen);
    if (this.#loopbackProblem) {
      logger("cluster").warn("The node does not join the cluster: {problem}", {
        problem: this.#loopbackProblem,
      });
      return;
    }
    const record: NodeRecord = {
      id: node.id,
      area: node.area,
      role: "node",
      url,
      udp: this.#udp,
      architecture: node.architecture,
      incarnation: node.incarnation,
      ...(home !== undefined && { home }),
    };
    this.#joined = auth?.registrations.sign(record) ?? record;
    this.#registration = registry.registerNode(this.#joined, (other) => this.#isConflicting(other));
  }

  async #isConflicting(other: NodeRecord): Promise<boolean> {
    if (this.#options.auth?.registrations.problemOf(other) !== undefined) return false;
    if (!await this.#client.isAlive(other)) return false;
    if (!this.#registration?.conflict) {
      logger("cluster").warn("The node is not registered: {problem}", {
        problem: conflictText(other),
      });
    }
    return true;
  }

  /** Leaves the registration of the node to another process of it, which has replaced it. */
  abandon(): void {
    this.#registration?.abandon();
    this.#registration = undefined;
  }

  /** Address at which this process receives datagrams. */
  get datagramAddress(): Deno.Addr {
    return this.#prober.address;
  }

  /** Deregisters the node: others stop sending requests, while it can still send some. */
  async leave(): Promise<void> {
    await this.#registration?.[Symbol.asyncDispose]();
    this.#registration = undefined;
  }

  /** URL at which others reach this node; empty until it has joined. */
  get url(): string {
    return this.#joined?.url ?? "";
  }

  /** The node's network coordinate. */
  get coordinate(): Coordinate {
    return this.#vivaldi.coordinate;
  }

  /** Datagram traffic of the node since its start. */
  get traffic(): Readonly<Traffic> {
    return this.#prober.traffic;
  }

  /** All known members: this node first once it has joined, then the others by area and id. */
  members(): MemberView[] {
    const now = this.#options.clock.now();
    const others = [...this.#table.all]
      .map((peer) => viewOf(peer, now, this.#table.isCloudTarget(peer)))
      .sort((a, b) => order(a.area, b.area) || order(a.id, b.id));
    return this.#joined ? [this.#self(this.#joined), ...others] : others;
  }

  /** Descriptions of what keeps the node from sending requests to others; empty if nothing does. */
  problems(): string[] {
    const { node, remoteArea } = this.#options;
    const all = [...this.#table.all];
    const near = all.filter(({ record, isTrusted }) =>
      record.area === node.area && record.role === "node" && isTrusted
    );
    const problems: string[] = [];
    if (this.#loopbackProblem) {
      problems.push(`cluster: the node has not joined: ${this.#loopbackProblem}`);
    }
    const conflict = this.#registration?.conflict;
    if (conflict) problems.push(`cluster: the node is not registered: ${conflictText(conflict)}`);
    const [untrusted, ...more] = all.filter(({ isTrusted }) => !isTrusted);
    if (untrusted) {
      const { record: { id }, mismatches } = untrusted;
      const others = more.length > 0 ? `, and ${more.length} more are not trusted` : "";
      problems.push(`cluster: node ${id} is not trusted: ${mismatches.text}${others}`);
    }
    if (near.length > 0 && !near.some(({ reachable }) => reachable)) {
      problems.push(`neighbours: none of ${near.length} in area ${node.area} responds`);
    }
    if (remoteArea !== "" && remoteArea !== node.area) {
      const cloud = all.some((peer) => peer.reachable && this.#table.isCloudTarget(peer));
      if (!cloud) problems.push(`cloud: no node in area ${remoteArea} responds`);
    }
    return problems;
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
    this.#prober.probeNow();
  }

  summary(): PeerSummary {
    return this.#table.summary();
  }

  /**
   * Sends a request to a peer. A peer without a connection is not chosen until it answers a probe;
   * if it becomes unresponsive while it has the request, the request fails.
   */
  async send(to: string, forwarded: Forwarded, signal: AbortSignal): Promise<InvocationResult> {
    const peer = this.#table.get(to);
    if (!peer) throw new ServerledgeError("PEER_UNREACHABLE", `There is no node ${to}`);
    const { memoryMib, cpu } = forwarded.record;
    const ended = peer.startRequest({ memoryMib, cpu });
    const control = new AbortController();
    const abort = () => control.abort();
    // Until the signal is gone: it also ends a response whose body is still being streamed.
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    let isUnresponsive = false;
    const endMonitoring = this.#liveness.add(peer, () => {
      isUnresponsive = true;
      abort();
    });
    try {
      const report = await this.#client.send(
        peer.record,
        forwarded,
        control.signal,
        (resources) => peer.updateResources(resources),
      );
      peer.mismatches.clear("rejected");
      return report;
    } catch (error) {
      if (isUnresponsive && !signal.aborted) {
        this.#table.connectionFailed(to);
        throw unresponsive(peer, error);
      }
      const { code, cause, details } = error as ServerledgeError;
      if (cause instanceof UnsignedResponse) {
        peer.mismatches.add("rejected", `its response is not signed (${cause.said})`);
      }
      if (details?.peerCode === "UNAUTHORIZED") {
        peer.mismatches.add(
          "rejected",
          this.#options.auth === undefined
            ? "it rejects unsigned requests, and this node has no cluster.secret"
            : `it rejects requests of this node: ${(error as ServerledgeError).message}`,
        );
      }
      if (code === "PEER_UNREACHABLE") this.#table.connectionFailed(to);
      throw error;
    } finally {
      endMonitoring();
      ended();
    }
  }

  /** Leaves the cluster and closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
    await this.#owned.disposeAsync();
  }

  async #follow(): Promise<void> {
    const { registry, remoteArea, clock, monitoringMs, node } = this.#options;
    const table = this.#table;
    const healthProber = remoteArea === "" || remoteArea === node.area
      ? undefined
      : this.#owned.use(
        new HealthProber({
          table,
          remoteArea,
          intervalMs: monitoringMs,
          clock,
          check: (node, signal) => this.#client.health(node, signal),
        }),
      );
    const changed = () => {
      this.#client.keepOnly(new Set([...table.all].map(({ record }) => record.url)));
      healthProber?.probeNew();
    };
    const observer: NodeObserver = {
      reset: (records) => (table.reset(records), changed()),
      put: (record) => (table.put(record), changed()),
      remove: (id) => (table.remove(id), changed()),
    };
    this.#owned.use(await registry.watchNodes(observer));
  }

  #self(record: NodeRecord): MemberView {
    const { warm: _warm, images: _images, ...load } = this.#options.status();
    const unknown = { warm: () => false, hasImage: () => false };
    const status = { ...load, ...unknown, coordinate: this.coordinate };
    return {
      ...viewOf({ record, status, rttMs: 0, lastSeenAt: 0, reachable: true }, 0, false),
      self: true,
    };
  }
}

function conflictText({ id, url }: NodeRecord): string {
  return `its id ${id} belongs to another node, at ${url}; set registry.node.id to another ` +
    "id, or leave it empty to generate one, and restart it";
}

function unresponsive({ record }: Peer, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "FUNCTION_CRASHED",
    `Node ${record.id} at ${record.url} received the request and no longer responds; the ` +
      "function may have run there",
    { cause },
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
