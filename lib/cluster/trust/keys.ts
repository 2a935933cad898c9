/**
 * Keys that nodes derive from the cluster's secret.
 *
 * @module
 */

import { createHash, type Hash, hkdfSync, timingSafeEqual } from "node:crypto";

/** What a key signs. */
export type Purpose = "request" | "response" | "datagram" | "registration";

/** Block and digest of SHA-256, bytes. */
const blockBytes = 64;
const digestBytes = 32;

/** Digests that are being processed, since allocating them takes more time than hashing. */
const digest = new Uint8Array(digestBytes);
const other = new Uint8Array(digestBytes);

/**
 * Key for one purpose: a signature for one purpose is invalid for all others. HMAC-SHA256 (RFC 2104)
 * with both pads hashed in advance and without buffers, which takes a tenth of the time of `createHmac`.
 */
export class ClusterKey {
  readonly #inner: Hash;
  readonly #outer: Hash;

  /**
   * Derives a key (HKDF, RFC 5869).
   *
   * @param secret the cluster's; not empty
   */
  constructor(secret: string, purpose: Purpose) {
    const key = hkdfSync("sha256", secret, "", `serverledge ${purpose}`, digestBytes);
    this.#inner = padded(new Uint8Array(key), 0x36);
    this.#outer = padded(new Uint8Array(key), 0x5c);
  }

  /** Signs text or bytes. @returns the signature in hex */
  sign(data: string | Uint8Array): string {
    digest.setFromHex(this.#inner.copy().update(data).digest("hex"));
    return this.#outer.copy().update(digest).digest("hex");
  }

  /** Checks a signature in hex, in a time that does not depend on where it differs. */
  verify(data: string | Uint8Array, signature: string): boolean {
    if (!signaturePattern.test(signature)) return false;
    const expected = this.sign(data);
    digest.setFromHex(expected);
    other.setFromHex(signature);
    return timingSafeEqual(digest, other);
  }
}

const signaturePattern = /^[0-9a-f]{64}$/;

/** Hash of a key that is padded to a block. */
function padded(key: Uint8Array, pad: number): Hash {
  const block = new Uint8Array(blockBytes).fill(pad);
  for (const [at, byte] of key.entries()) block[at]! ^= byte;
  return createHash("sha256").update(block);
}
