/**
 * Status datagrams: a node sends a ping and receives the peer's status in a pong. They are bounded,
 * versioned and, with a cluster secret, signed.
 *
 * A datagram consists of a version byte, a MAC of 16 bytes (zeros without a secret), and JSON. The
 * MAC covers the version and the JSON. Protection against replay is implemented in `prober.ts`: a
 * pong carries the nonce of its ping, and pings carry the time.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { concatBytes } from "../../base/bytes.ts";
import { type Coordinate, nodeName, type PeerStatus } from "../../model/node.ts";
import { coordinateSchema } from "../coordinates/coordinates.ts";
import { ClusterKey } from "../trust/keys.ts";
import { mayContain, nameFilter } from "./name_filter.ts";

/** Longest datagram, bytes: fits into one frame on every path (RFC 8085 section 3.2). */
export const maxDatagramBytes = 1200;

/**
 * Versions of datagrams, incremented when older nodes could not understand them. They skip unknown
 * fields, and a missing `images`, which was added later, is accepted. Version 2 of signed datagrams has a
 * key of their own.
 */
const versions = { unsigned: 1, signed: 2 } as const;
/** False positives: 1 in 350 with 100 warm functions, 1 in 4 with 500. */
const warmBytes = 192;
/** False positives: 1 in 650 with 40 images, 1 in 35 with 100. */
const imageBytes = 96;
const macBytes = 16;
const headBytes = 1 + macBytes;

/** Status of the local node, without its coordinate. */
export interface LocalStatus {
  /** Memory available for instances, MiB. */
  readonly availableMemoryMib: number;
  /** Total memory for instances, MiB. */
  readonly totalMemoryMib: number;
  /** CPU not used by busy instances, cores. */
  readonly freeCpu: number;
  readonly queueLength: number;
  readonly running: number;
  /** Names of functions with an idle instance. */
  readonly warm: Iterable<string>;
  /** What functions need of images (`needOf`) and is present; undefined: not known yet. */
  readonly images: Iterable<string> | undefined;
}

/** Requests a node's status. */
export interface Ping {
  readonly kind: "ping";
  /** Id of the sender. */
  readonly from: string;
  /** Id of the intended receiver: another node may have its address by now. */
  readonly to: string;
  /** Unguessable, unique for each ping. */
  readonly nonce: string;
  /** The sender's wall clock, ms. */
  readonly at: number;
}

/** Response to a ping. */
export interface Pong {
  readonly kind: "pong";
  /** Id of the sender. */
  readonly from: string;
  /** The ping's nonce. */
  readonly nonce: string;
  readonly status: PeerStatus;
}

/** Mismatch between a datagram and this node. */
export interface Mismatch {
  /** Claimed id of the sender; not authenticated. */
  readonly from: string;
  readonly kind: "version" | "secret";
  /** Description in words that follow the sender's name. */
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

/** Encodes and decodes datagrams. */
export class DatagramCodec {
  readonly #key: ClusterKey | undefined;
  readonly #version: number;

  /**
   * Creates the codec of one cluster.
   *
   * @param secret the cluster's; empty: datagrams are unsigned
   */
  constructor(secret: string) {
    this.#key = secret === "" ? undefined : new ClusterKey(secret, "datagram");
    this.#version = this.#key ? versions.signed : versions.unsigned;
  }

  /** True if datagrams are signed. */
  get signs(): boolean {
    return this.#key !== undefined;
  }

  /** Encodes a ping. */
  ping({ from, to, nonce, at }: Ping): Uint8Array<ArrayBuffer> {
    return this.#pack({ ping: nonce, from, to, at });
  }

  /**
   * Encodes a pong.
   *
   * @param from id of this node
   * @param nonce of the ping
   */
  pong(
    from: string,
    nonce: string,
    status: LocalStatus,
    coordinate: Coordinate,
  ): Uint8Array<ArrayBuffer> {
    return this.#pack({
      pong: nonce,
      from,
      free: rounded(status.availableMemoryMib),
      total: rounded(status.totalMemoryMib),
      cpu: rounded(status.freeCpu),
      queue: status.queueLength,
      running: status.running,
      vector: coordinate.vector.map(rounded),
      height: rounded(coordinate.height),
      adjustment: rounded(coordinate.adjustment),
      error: rounded(coordinate.error),
      warm: nameFilter(status.warm, warmBytes).toBase64(),
      images: status.images && nameFilter(status.images, imageBytes).toBase64(),
    });
  }

  /**
   * Decodes a datagram.
   *
   * @returns undefined if it is incomplete, invalid, or not signed as required
   */
  read(bytes: Uint8Array): Ping | Pong | undefined {
    if (bytes.length > maxDatagramBytes || bytes.length <= headBytes) return undefined;
    if (bytes[0] !== this.#version) return undefined;
    const body = bytes.subarray(headBytes);
    if (this.#key && !this.#isSigned(this.#key, bytes)) return undefined;
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
      status: statusOf(pong.output),
    };
  }

  /**
   * Finds out why a datagram is invalid here, or why its sender would consider ours invalid.
   *
   * @returns undefined if version and signature match, or its sender is unknown
   */
  mismatch(bytes: Uint8Array): Mismatch | undefined {
    if (bytes.length > maxDatagramBytes || bytes.length <= headBytes) return undefined;
    const found = this.#findMismatch(bytes);
    const claim = found &&
      v.safeParse(v.object({ from: nodeName }), parsed(bytes.subarray(headBytes)));
    return claim?.success ? { ...found!, from: claim.output.from } : undefined;
  }

  #findMismatch(bytes: Uint8Array): Omit<Mismatch, "from"> | undefined {
    const mac = bytes.subarray(1, headBytes);
    const isSigned = mac.some((byte) => byte !== 0);
    if (isSigned !== this.signs) {
      const problem = isSigned
        ? "it has a cluster.secret, but this node has none"
        : "it has no cluster.secret, but this node has one";
      return { kind: "secret", problem };
    }
    if (bytes[0] !== this.#version) {
      const problem = `its datagrams have version ${bytes[0]}, those of this node version ` +
        `${this.#version}: run the same version of the program on both`;
      return { kind: "version", problem };
    }
    if (!this.#key || this.#isSigned(this.#key, bytes)) return undefined;
    return { kind: "secret", problem: "its cluster.secret differs from this node's" };
  }

  #pack(value: unknown): Uint8Array<ArrayBuffer> {
    const body = new TextEncoder().encode(JSON.stringify(value));
    const bytes = new Uint8Array(headBytes + body.length);
    bytes[0] = this.#version;
    if (this.#key) bytes.set(this.#mac(this.#key, body), 1);
    bytes.set(body, headBytes);
    return bytes;
  }

  #isSigned(key: ClusterKey, bytes: Uint8Array): boolean {
    const mac = this.#mac(key, bytes.subarray(headBytes));
    return timingSafeEqual(mac, bytes.subarray(1, headBytes));
  }

  /** HMAC-SHA256, truncated to half its length as RFC 2104 section 5 allows. */
  #mac(key: ClusterKey, body: Uint8Array): Uint8Array {
    const signature = key.sign(concatBytes([new Uint8Array([this.#version]), body]));
    return Uint8Array.fromHex(signature).subarray(0, macBytes);
  }
}

function statusOf(pong: v.InferOutput<typeof pongSchema>): PeerStatus {
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

/** Rounds a number to three digits to keep the datagram short. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
