/**
 * The exchange of status datagrams: asks a few peers each round, answers those that ask.
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
import { hurryMs, ProbePlan } from "./probe_plan.ts";
import type { StatusSocket } from "./socket.ts";
import type { Vivaldi } from "../coordinates/vivaldi.ts";

/** Longest wait for a pong, ms. */
const timeoutMs = 1000;
/** How far the clocks of two nodes may differ where datagrams are signed, ms. */
const maxClockSkewMs = 30_000;
/** Most pings of one peer that are answered in a second: more would make us part of a flood. */
const maxPongsPerSecond = 20;

/** What a prober works with. */
export interface ProberOptions {
  /** The node's id. */
  readonly id: string;
  /** The peers; told what was heard. */
  readonly table: PeerTable;
  /** The node's own coordinate. */
  readonly vivaldi: Vivaldi;
  /** Where datagrams go and come; closed by the prober. */
  readonly socket: StatusSocket;
  /** The cluster's secret; empty: unsigned. */
  readonly secret: string;
  /** Time between two rounds, ms. */
  readonly intervalMs: number;
  /** The node's clock. */
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What the node tells of itself. */
  readonly news: () => LocalStatus;
  /** Told when a peer has told its news. */
  readonly heard: () => void;
}

/** What went through the socket, to be watched. */
export interface Traffic {
  /** Bytes of datagrams sent. */
  sent: number;
  /** Bytes of datagrams received, unwanted ones included. */
  received: number;
  /** Datagrams that were not answered or believed. */
  refused: number;
}

/** A ping on its way. */
interface Probe {
  readonly peer: Peer;
  readonly sentAt: number;
  /** Number of the round with which it expires. */
  readonly round: number;
  /** True if it was asked between two rounds. */
  readonly isHurried: boolean;
}

/** What is known of a peer that asks. */
interface Asker {
  /** Its wall clock at its last ping, ms. */
  lastAt: number;
  /** The second in which pongs are counted. */
  second: number;
  pongs: number;
}

/** Asks and answers until it is disposed. */
export class Prober implements AsyncDisposable {
  /** What went through the socket so far. */
  readonly traffic: Traffic = { sent: 0, received: 0, refused: 0 };
  readonly #options: ProberOptions;
  readonly #codec: DatagramCodec;
  readonly #plan: ProbePlan;
  /** Pings without an answer yet, by nonce. */
  readonly #probes = new Map<string, Probe>();
  readonly #askers = new Map<string, Asker>();
  readonly #receiving: Promise<void>;
  #closed = false;
  #cancelRound: () => void = () => {};
  #cancelHurry: (() => void) | undefined;
  /** Rounds so far. */
  #rounds = 0;
  /** When peers were last asked, on the node's clock. */
  #askedAt = -Infinity;

  /** Starts; the first round is now. */
  constructor(options: ProberOptions) {
    this.#options = options;
    this.#codec = new DatagramCodec(options.secret);
    this.#plan = new ProbePlan(options.table, options.random);
    this.#receiving = this.#receive();
    this.#round();
  }

  /** Asks those near by soon, without waiting for the next round; at most once in {@link hurryMs}. */
  hurry(): void {
    if (this.#closed || this.#cancelHurry) return;
    const { clock } = this.#options;
    this.#cancelHurry = clock.after(Math.max(0, this.#askedAt + hurryMs - clock.now()), () => {
      this.#cancelHurry = undefined;
      this.#askedAt = clock.now();
      for (const peer of this.#plan.urgent()) this.#ask(peer, this.#rounds + 1);
    });
  }

  /** Closes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRound();
    this.#cancelHurry?.();
    this.#options.socket.close();
    await this.#receiving;
  }

  #round(): void {
    const { clock, intervalMs, table } = this.#options;
    for (const id of this.#askers.keys()) if (!table.get(id)) this.#askers.delete(id);
    this.#rounds++;
    this.#askedAt = clock.now();
    for (const peer of this.#plan.next()) this.#ask(peer, this.#rounds);
    const waitMs = Math.min(timeoutMs, intervalMs);
    this.#cancelRound = clock.after(waitMs, () => {
      this.#expire();
      this.#cancelRound = clock.after(intervalMs - waitMs, () => this.#round());
    });
  }

  #ask(peer: Peer, round: number): void {
    const { clock, id } = this.#options;
    const nonce = randomId();
    const ping = { kind: "ping", from: id, to: peer.record.id, nonce, at: clock.wall() } as const;
    const bytes = this.#codec.ping(ping);
    this.#probes.set(nonce, { peer, sentAt: clock.now(), round, isHurried: round > this.#rounds });
    this.#send(bytes, peer.udp!);
  }

  /**
   * Counts what was not answered in time. What was asked in a hurry has time until the next round, and
   * does not count: a peer that is slow for a moment must not be taken for dead the sooner for it.
   */
  #expire(): void {
    for (const [nonce, { peer, round, isHurried }] of this.#probes) {
      if (round > this.#rounds) continue;
      this.#probes.delete(nonce);
      if (!isHurried) this.#options.table.missed(peer);
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
        if (from.transport === "udp") this.#judge(bytes, datagram, from.hostname);
        const taken = from.transport === "udp" && datagram !== undefined &&
          (datagram.kind === "ping"
            ? this.#pinged(datagram, from)
            : this.#answered(datagram, from.hostname, arrivedAt));
        if (!taken) this.traffic.refused++;
      } catch (error) {
        if (this.#closed) return;
        logger("cluster").debug("A datagram could not be received: {error}", { error });
      }
    }
  }

  /** Notes with the peer that seems to have sent a datagram whether it suits this node. */
  #judge(bytes: Uint8Array, datagram: Ping | Pong | undefined, hostname: string): void {
    const suits = datagram !== undefined && this.#codec.signs;
    const misfit = suits ? undefined : this.#codec.misfit(bytes);
    const from = misfit?.from ?? datagram?.from;
    const peer = from === undefined ? undefined : this.#options.table.get(from);
    if (peer?.udp?.hostname !== hostname) return;
    if (misfit) peer.problems.note(misfit.kind, misfit.problem);
    else peer.problems.mended("version", "secret");
  }

  /** Answers a peer. @returns false if it is none, or may not ask now */
  #pinged({ from, to, nonce, at }: Ping, address: Deno.NetAddr): boolean {
    const { id, table, vivaldi, news } = this.#options;
    const peer = table.get(from);
    if (to !== id || !peer?.udp || peer.udp.hostname !== address.hostname) return false;
    if (!this.#mayAsk(peer, at)) return false;
    this.#send(this.#codec.pong(id, nonce, news(), vivaldi.coordinate), address);
    return true;
  }

  /** Refuses floods, and where datagrams are signed replayed ones. */
  #mayAsk({ record: { id: from }, problems }: Peer, at: number): boolean {
    const now = this.#options.clock.wall();
    const second = Math.floor(now / 1000);
    let asker = this.#askers.get(from);
    if (!asker) this.#askers.set(from, asker = { lastAt: -Infinity, second, pongs: 0 });
    if (this.#codec.signs) {
      if (Math.abs(now - at) > maxClockSkewMs) {
        problems.note("clock", skewOf(at - now));
        return false;
      }
      problems.mended("clock");
      if (at <= asker.lastAt) return false;
      asker.lastAt = at;
    }
    if (asker.second !== second) [asker.second, asker.pongs] = [second, 0];
    return ++asker.pongs <= maxPongsPerSecond;
  }

  /** Takes news in. @returns false if nobody asked for it */
  #answered({ from, nonce, news }: Pong, hostname: string, arrivedAt: number): boolean {
    const { table, heard } = this.#options;
    const probe = this.#probes.get(nonce);
    const peer = table.get(from);
    if (!probe || probe.peer !== peer || peer.udp?.hostname !== hostname) return false;
    this.#probes.delete(nonce);
    table.answered(peer, arrivedAt - probe.sentAt, news);
    heard();
    return true;
  }

  #send(bytes: Uint8Array<ArrayBuffer>, to: { hostname: string; port: number }): void {
    this.traffic.sent += bytes.length;
    this.#options.socket.send(bytes, { transport: "udp", ...to }).catch((error) => {
      // As good as lost on the way: the probe fails by its time.
      if (!this.#closed) {
        logger("cluster").debug("A datagram could not be sent: {error}", { error });
      }
    });
  }
}

/** Words for clocks that differ too much. */
function skewOf(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `its clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this node's, ` +
    `and signed datagrams bear ${maxClockSkewMs / 1000} s: set both clocks (NTP)`;
}
