/**
 * Keys that nodes derive from the cluster's secret.
 *
 * @module
 */

import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** What a key signs. */
export type Purpose = "request" | "response" | "datagram" | "registration";

/** Key for one purpose: a signature for one purpose is invalid for all others. */
export class ClusterKey {
  readonly #key: Uint8Array;

  /**
   * Derives a key (HKDF, RFC 5869).
   *
   * @param secret the cluster's; not empty
   */
  constructor(secret: string, purpose: Purpose) {
    this.#key = new Uint8Array(hkdfSync("sha256", secret, "", `serverledge ${purpose}`, 32));
  }

  /**
   * Signs text or bytes (HMAC-SHA256, RFC 2104).
   *
   * @param text characters below 256, as in headers, or bytes
   * @returns 32 bytes
   */
  sign(text: string | Uint8Array): Uint8Array {
    const hmac = createHmac("sha256", this.#key);
    if (typeof text === "string") hmac.update(text, "latin1");
    else hmac.update(text);
    return new Uint8Array(hmac.digest());
  }

  /** Checks a signature in hex, in a time that does not depend on where it differs. */
  verify(text: string, signature: string): boolean {
    return equal(this.sign(text), bytesOf(signature));
  }
}

/** Compares bytes in a time that does not depend on where they differ. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function bytesOf(hex: string): Uint8Array {
  return /^([0-9a-f]{2})*$/.test(hex) ? Uint8Array.fromHex(hex) : new Uint8Array();
}
