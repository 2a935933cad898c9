/**
 * Status datagrams: a node asks another ("ping") and gets its news ("pong"). Bounded, versioned, and
 * with a cluster secret signed.
 *
 * A datagram is a version byte, a MAC of 16 bytes (zeros where there is no secret), and JSON. The
 * MAC covers the version and the JSON. What makes a signed datagram safe against replay is not in
 * here: a pong carries the nonce of its ping, and pings carry the time (see `prober.ts`).
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { type Coordinate, nodeName, type PeerStatus } from "../../model/node.ts";
import { coordinateSchema } from "../coordinates/coordinates.ts";
import { mayContain, nameFilter } from "./name_filter.ts";

/** Longest datagram, bytes: fits into one frame on every path (RFC 8085 section 3.2). */
export const maxDatagramBytes = 1200;

/**
 * Changes when an older node could not understand a datagram. What it only does not know it skips
 * (`images` came later than the rest), and a node that does not tell it is read without.
 */
const version = 1;
/** Of functions that are not warm 1 in 350 passes for it beside 100 that are, 1 in 4 beside 500. */
const warmBytes = 192;
/** Of images that are not there 1 in 650 passes for it beside 40 that are, 1 in 35 beside 100. */
const imageBytes = 96;
const macBytes = 16;
const headBytes = 1 + macBytes;

/** What a node tells of itself, its own place aside. */
export interface LocalStatus {
  /** Memory that instances could still take, MiB. */
  readonly availableMemoryMib: number;
  /** Memory for instances in all, MiB. */
  readonly totalMemoryMib: number;
  /** CPU that no busy instance holds, cores. */
  readonly freeCpu: number;
  /** Requests that wait. */
  readonly queueLength: number;
  /** Invocations that run. */
  readonly running: number;
  /** Names of functions with an idle instance. */
  readonly warm: Iterable<string>;
  /** What functions need of images (`needOf`) and is there; undefined: not known yet. */
  readonly images: Iterable<string> | undefined;
}

/** Asks a node for its news. */
export interface Ping {
  /** What it is. */
  readonly kind: "ping";
  /** Who asks. */
  readonly from: string;
  /** Who is asked: another node may have its address by now. */
  readonly to: string;
  /** Unguessable, once per ping. */
  readonly nonce: string;
  /** The asker's wall clock, ms. */
  readonly at: number;
}

/** Answers a ping. */
export interface Pong {
  /** What it is. */
  readonly kind: "pong";
  /** Who answers. */
  readonly from: string;
  /** The ping's nonce. */
  readonly nonce: string;
  /** What there is to tell. */
  readonly news: PeerStatus;
}

/** A datagram that does not suit this node. */
export interface Misfit {
  /** Who claims to have sent it; not to be trusted. */
  readonly from: string;
  /** What does not suit. */
  readonly kind: "version" | "secret";
  /** The same in words that follow upon the sender's name. */
  readonly problem: string;
}

const nonce = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const amount = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1e9));

const pingSchema = v.object({
  ping: nonce,
  from: nodeName,
  to: nodeName,
  at: v.pipe(v.number(), v.finite()),
});
const pongSchema = v.object({
  pong: nonce,
  from: nodeName,
  free: amount,
  total: amount,
  cpu: amount,
  queue: amount,
  running: amount,
  vector: coordinateSchema.entries.vector,
  height: coordinateSchema.entries.height,
  adjustment: coordinateSchema.entries.adjustment,
  error: coordinateSchema.entries.error,
  warm: filterOf(warmBytes),
  images: v.optional(filterOf(imageBytes)),
});

function filterOf(bytes: number) {
  return v.pipe(
    v.string(),
    v.maxLength(Math.ceil(bytes / 3) * 4),
    v.base64(),
    v.transform((text) => Uint8Array.fromBase64(text)),
    v.check((filter) => filter.length === bytes),
  );
}

/** Writes and reads datagrams. */
export class DatagramCodec {
  readonly #secret: string;

  /**
   * A codec of one cluster.
   *
   * @param secret the cluster's; empty: unsigned
   */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /** True if datagrams are signed. */
  get signs(): boolean {
    return this.#secret !== "";
  }

  /** Writes a ping. */
  ping({ from, to, nonce, at }: Ping): Uint8Array<ArrayBuffer> {
    return this.#pack({ ping: nonce, from, to, at });
  }

  /**
   * Writes a pong.
   *
   * @param from who answers
   * @param nonce of the ping
   * @param news what there is to tell
   * @param coordinate where the answering node is
   */
  pong(
    from: string,
    nonce: string,
    news: LocalStatus,
    coordinate: Coordinate,
  ): Uint8Array<ArrayBuffer> {
    return this.#pack({
      pong: nonce,
      from,
      free: brief(news.availableMemoryMib),
      total: brief(news.totalMemoryMib),
      cpu: brief(news.freeCpu),
      queue: news.queueLength,
      running: news.running,
      vector: coordinate.vector.map(brief),
      height: brief(coordinate.height),
      adjustment: brief(coordinate.adjustment),
      error: brief(coordinate.error),
      warm: nameFilter(news.warm, warmBytes).toBase64(),
      images: news.images && nameFilter(news.images, imageBytes).toBase64(),
    });
  }

  /**
   * Reads a datagram.
   *
   * @returns undefined for anything that is not whole, right, and signed where it must be
   */
  read(bytes: Uint8Array): Ping | Pong | undefined {
    if (bytes.length > maxDatagramBytes || bytes.length <= headBytes) return undefined;
    if (bytes[0] !== version) return undefined;
    const body = bytes.subarray(headBytes);
    if (this.signs && !timingSafeEqual(this.#mac(body), bytes.subarray(1, headBytes))) {
      return undefined;
    }
    const value = parsed(body);
    const ping = v.safeParse(pingSchema, value);
    if (ping.success) {
      const { ping: nonce, from, to, at } = ping.output;
      return { kind: "ping", from, to, nonce, at };
    }
    const pong = v.safeParse(pongSchema, value);
    if (!pong.success) return undefined;
    return {
      kind: "pong",
      from: pong.output.from,
      nonce: pong.output.pong,
      news: newsOf(pong.output),
    };
  }

  /**
   * Looks why a datagram cannot be believed, or could not be by its sender.
   *
   * @returns undefined if version and signature suit, or if nobody can tell whose it is
   */
  misfit(bytes: Uint8Array): Misfit | undefined {
    if (bytes.length > maxDatagramBytes || bytes.length <= headBytes) return undefined;
    const found = this.#unsuitable(bytes);
    const claim = found &&
      v.safeParse(v.object({ from: nodeName }), parsed(bytes.subarray(headBytes)));
    return claim?.success ? { ...found!, from: claim.output.from } : undefined;
  }

  #unsuitable(bytes: Uint8Array): Omit<Misfit, "from"> | undefined {
    if (bytes[0] !== version) {
      const problem = `its datagrams have version ${bytes[0]}, this node's have ${version}: ` +
        "run the same version of the program on both";
      return { kind: "version", problem };
    }
    const mac = bytes.subarray(1, headBytes);
    const isSigned = mac.some((byte) => byte !== 0);
    if (!this.signs) {
      return isSigned
        ? { kind: "secret", problem: "it has a cluster.secret, this node has none" }
        : undefined;
    }
    if (timingSafeEqual(this.#mac(bytes.subarray(headBytes)), mac)) return undefined;
    const problem = isSigned
      ? "its cluster.secret is not this node's"
      : "it has no cluster.secret, this node has one";
    return { kind: "secret", problem };
  }

  #pack(value: unknown): Uint8Array<ArrayBuffer> {
    const body = new TextEncoder().encode(JSON.stringify(value));
    const bytes = new Uint8Array(headBytes + body.length);
    bytes[0] = version;
    if (this.signs) bytes.set(this.#mac(body), 1);
    bytes.set(body, headBytes);
    return bytes;
  }

  /** HMAC-SHA256 (RFC 2104), truncated to half its length as RFC 2104 section 5 allows. */
  #mac(body: Uint8Array): Uint8Array {
    const hmac = createHmac("sha256", this.#secret).update(new Uint8Array([version])).update(body);
    return new Uint8Array(hmac.digest()).subarray(0, macBytes);
  }
}

function newsOf(pong: v.InferOutput<typeof pongSchema>): PeerStatus {
  const { free, total, cpu, queue, running, vector, height, adjustment, error } = pong;
  const { warm, images } = pong;
  return {
    availableMemoryMib: free,
    totalMemoryMib: total,
    freeCpu: cpu,
    queueLength: queue,
    running,
    coordinate: { vector, height, adjustment, error },
    warm: (name) => mayContain(warm, name),
    hasImage: (need) => !images || mayContain(images, need),
  };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A number with as many digits as matter, so that it stays short. */
function brief(value: number): number {
  return Math.round(value * 1000) / 1000;
}
