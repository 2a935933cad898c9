/**
 * Exchange of status datagrams: probes a few peers each round and answers the pings of others.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import {
  DatagramCodec,
  type LocalStatus,
  maxDatagramBytes,
  type Ping,
  type Pong,
} from "./datagram.ts";
import type { Peer } from "../peers/peer.ts";
import type { PeerTable } from "../peers/table.ts";
import { clockSkewProblem, maxClockSkewMs } from "../trust/clock_skew.ts";
import { ProbePlan, urgentIntervalMs } from "./probe_plan.ts";
import type { StatusSocket } from "./socket.ts";
import type { Vivaldi } from "../coordinates/vivaldi.ts";

/** Longest wait for a pong, ms. */
const timeoutMs = 1000;
/** Most pings of one peer that are answered in a second, so that the node cannot be used in a flood. */
const maxPongsPerSecond = 20;

/** Dependencies and settings of a {@link Prober}. */
export interface ProberOptions {
  readonly id: string;
  /** The peers; updated with the results. */
  readonly table: PeerTable;
  readonly vivaldi: Vivaldi;
  /** Socket for datagrams; closed by the prober. */
  readonly socket: StatusSocket;
  readonly codec: DatagramCodec;
  /** Time between two rounds, ms. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** The current status of this node. */
  readonly status: () => LocalStatus;
  /** Called when a peer has reported its status. */
  readonly onStatus: () => void;
}

/** Traffic counters of the socket. */
export interface Traffic {
  /** Bytes sent. */
  sent: number;
  /** Bytes received, including invalid datagrams. */
  received: number;
  /** Datagrams that were ignored. */
  ignored: number;
}

/** A pending ping. */
interface Probe {
  readonly peer: Peer;
  readonly sentAt: number;
  /** Round with which it expires. */
  readonly round: number;
  /** True if it was sent between two rounds. */
  readonly isUrgent: boolean;
}

/** State of a peer that sends pings. */
interface PingSource {
  /** Its wall clock at its last ping, ms. */
  lastAt: number;
  /** The second in which pongs are counted. */
  second: number;
  pongs: number;
}

/** Probes peers and answers their pings until it is disposed. */
export class Prober implements AsyncDisposable {
  /** Datagram traffic since the start. */
  readonly traffic: Traffic = { sent: 0, received: 0, ignored: 0 };
  readonly #options: ProberOptions;
  readonly #codec: DatagramCodec;
  readonly #plan: ProbePlan;
  /** Pending pings by nonce. */
  readonly #probes = new Map<string, Probe>();
  readonly #pingSources = new Map<string, PingSource>();
  readonly #receiving: Promise<void>;
  /** Wall clock at the start, ms: a former process may have received what was signed before. */
  readonly #startedAt: number;
  #closed = false;
  #cancelRound: () => void = () => {};
  #cancelUrgent: (() => void) | undefined;
  /** Number of the current round. */
  #rounds = 0;
  /** Time of the last probes, on the node's clock. */
  #probedAt = -Infinity;

  /** Starts to receive datagrams, and sends the first round of pings at once. */
  constructor(options: ProberOptions) {
    this.#options = options;
    this.#startedAt = options.clock.wall();
    this.#codec = options.codec;
    this.#plan = new ProbePlan(options.table, options.random);
    this.#receiving = this.#receive();
    this.#round();
  }

  /** Probes the nearest peers before the next round; at most once in {@link urgentIntervalMs}. */
  probeNow(): void {
    if (this.#closed || this.#cancelUrgent) return;
    const { clock } = this.#options;
    this.#cancelUrgent = clock.after(
      Math.max(0, this.#probedAt + urgentIntervalMs - clock.now()),
      () => {
        this.#cancelUrgent = undefined;
        this.#probedAt = clock.now();
        for (const peer of this.#plan.urgent()) this.#probe(peer, this.#rounds + 1);
      },
    );
  }

  /** Address of the socket. */
  get address(): Deno.Addr {
    return this.#options.socket.addr;
  }

  /** Closes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRound();
    this.#cancelUrgent?.();
    this.#options.socket.close();
    await this.#receiving;
  }

  #round(): void {
    const { clock, intervalMs, table } = this.#options;
    const oldest = clock.wall() - maxClockSkewMs;
    for (const [id, { lastAt }] of this.#pingSources) {
      // Pings of a peer that has left may be received again until their time is over.
      if (!table.get(id) && lastAt < oldest) this.#pingSources.delete(id);
    }
    this.#rounds++;
    this.#probedAt = clock.now();
    for (const peer of this.#plan.next()) this.#probe(peer, this.#rounds);
    const waitMs = Math.min(timeoutMs, intervalMs);
    this.#cancelRound = clock.after(waitMs, () => {
      this.#expire();
      this.#cancelRound = clock.after(intervalMs - waitMs, () => this.#round());
    });
  }

  #probe(peer: Peer, round: number): void {
    const { clock, id } = this.#options;
    const nonce = randomId();
    const ping = { kind: "ping", from: id, to: peer.record.id, nonce, at: clock.wall() } as const;
    const bytes = this.#codec.ping(ping);
    this.#probes.set(nonce, { peer, sentAt: clock.now(), round, isUrgent: round > this.#rounds });
    this.#send(bytes, peer.udp!);
  }

  /**
   * Counts pings that were not answered in time. Urgent ones have time until the next round and do
   * not count, so that a peer that is slow for a moment is not considered dead earlier.
   */
  #expire(): void {
    for (const [nonce, { peer, round, isUrgent }] of this.#probes) {
      if (round > this.#rounds) continue;
      this.#probes.delete(nonce);
      if (!isUrgent) this.#options.table.probeFailed(peer);
    }
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(maxDatagramBytes + 1);
    while (!this.#closed) {
      try {
        const [bytes, from] = await this.#options.socket.receive(buffer);
        const arrivedAt = this.#options.clock.now();
        this.traffic.received += bytes.length;
        const datagram = this.#codec.read(bytes);
        if (from.transport === "udp") this.#recordMismatch(bytes, datagram, from.hostname);
        const taken = from.transport === "udp" && datagram !== undefined &&
          (datagram.kind === "ping"
            ? this.#onPing(datagram, from)
            : this.#onPong(datagram, from.hostname, arrivedAt));
        if (!taken) this.traffic.ignored++;
      } catch (error) {
        if (this.#closed) return;
        logger("cluster").debug("Cannot receive a datagram: {error}", { error });
      }
    }
  }

  /** Records with the apparent sender whether a datagram matches this node. */
  #recordMismatch(bytes: Uint8Array, datagram: Ping | Pong | undefined, hostname: string): void {
    const suits = datagram !== undefined && this.#codec.signs;
    const mismatch = suits ? undefined : this.#codec.mismatch(bytes);
    const from = mismatch?.from ?? datagram?.from;
    const peer = from === undefined ? undefined : this.#options.table.get(from);
    if (peer?.udp?.hostname !== hostname) return;
    if (mismatch) peer.mismatches.add(mismatch.kind, mismatch.problem);
    else peer.mismatches.clear("version", "secret");
  }

  /** Answers a ping. @returns false if the sender is no peer, or exceeds its limits */
  #onPing({ from, to, nonce, at }: Ping, address: Deno.NetAddr): boolean {
    const { id, table, vivaldi, status } = this.#options;
    const peer = table.get(from);
    if (to !== id || !peer?.udp || peer.udp.hostname !== address.hostname) return false;
    if (!this.#acceptPing(peer, at)) return false;
    this.#send(this.#codec.pong(id, nonce, status(), vivaldi.coordinate), address);
    return true;
  }

  /** Rejects floods, and replayed pings if datagrams are signed. */
  #acceptPing({ record: { id: from }, mismatches: problems }: Peer, at: number): boolean {
    const now = this.#options.clock.wall();
    const second = Math.floor(now / 1000);
    let source = this.#pingSources.get(from);
    if (!source) {
      this.#pingSources.set(from, source = { lastAt: this.#startedAt, second, pongs: 0 });
    }
    if (this.#codec.signs) {
      const skew = clockSkewProblem(at - now, "its clock", "this node's");
      if (skew !== undefined) {
        problems.add("clock", skew);
        return false;
      }
      problems.clear("clock");
      if (at <= source.lastAt) return false;
      source.lastAt = at;
    }
    if (source.second !== second) [source.second, source.pongs] = [second, 0];
    return ++source.pongs <= maxPongsPerSecond;
  }

  /** Accepts a status. @returns false if it was not requested */
  #onPong({ from, nonce, status }: Pong, hostname: string, arrivedAt: number): boolean {
    const { table, onStatus } = this.#options;
    const probe = this.#probes.get(nonce);
    const peer = table.get(from);
    if (!probe || probe.peer !== peer || peer.udp?.hostname !== hostname) return false;
    this.#probes.delete(nonce);
    table.probeSucceeded(peer, arrivedAt - probe.sentAt, status);
    onStatus();
    return true;
  }

  #send(bytes: Uint8Array<ArrayBuffer>, to: { hostname: string; port: number }): void {
    this.traffic.sent += bytes.length;
    this.#options.socket.send(bytes, { transport: "udp", ...to }).catch((error) => {
      // Equivalent to a lost datagram: the probe times out.
      if (!this.#closed) {
        logger("cluster").debug("Cannot send a datagram: {error}", { error });
      }
    });
  }
}
