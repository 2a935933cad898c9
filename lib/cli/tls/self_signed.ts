/**
 * Certificates that a node signs itself (RFC 5280). Libraries for certificates bring some 20 packages,
 * and those that were tried do not survive the bundling of the binary.
 *
 * @module
 */

import { isIP } from "node:net";
import { ipv6Groups } from "../../http/ip_address.ts";
import {
  bitString,
  type Der,
  der,
  integer,
  objectId,
  octetString,
  sequence,
  time,
  utf8,
} from "./der.ts";

const dayMs = 86_400_000;
/** Validity before the present, for clients whose clock is slow, ms. */
const earlierMs = 3_600_000;

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));
const isTrue = der(0x01, Uint8Array.of(0xff));

/** A new certificate. */
export interface SelfSigned {
  /** Certificate, PEM. */
  readonly cert: string;
  /** Private key, PEM (PKCS #8). */
  readonly key: string;
}

/**
 * Makes a key (ECDSA, P-256) and a certificate for it. It is not a CA certificate, so that clients can trust
 * exactly this one.
 *
 * @param hosts host names and IP addresses of the server, at least one
 * @param days validity from now
 */
export async function makeSelfSigned(
  hosts: readonly [string, ...string[]],
  days: number,
): Promise<SelfSigned> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { privateKey, publicKey } = keys as CryptoKeyPair;
  const now = Date.now();
  // A common name has at most 64 characters.
  const name = sequence(der(0x31, sequence(objectId("2.5.4.3"), utf8(hosts[0].slice(0, 64)))));
  const body = sequence(
    der(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(crypto.getRandomValues(new Uint8Array(16))),
    ecdsaWithSha256,
    name,
    sequence(time(now - earlierMs), time(now + days * dayMs)),
    name,
    new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)),
    der(0xa3, sequence(...extensions(hosts))),
  );
  const signer = { name: "ECDSA", hash: "SHA-256" };
  const signature = new Uint8Array(await crypto.subtle.sign(signer, privateKey, body));
  const half = signature.length / 2;
  const pair = sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)));
  return {
    cert: pem("CERTIFICATE", sequence(body, ecdsaWithSha256, bitString(pair))),
    key: pem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey))),
  };
}

function extensions(hosts: readonly string[]): Der[] {
  const extension = (id: string, content: Der, ...critical: Der[]) =>
    sequence(objectId(id), ...critical, octetString(content));
  return [
    // Basic constraints: no CA. Key usage: digital signature. Extended: server authentication.
    extension("2.5.29.19", sequence(), isTrue),
    extension("2.5.29.15", bitString(Uint8Array.of(0x80), 7), isTrue),
    extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.1"))),
    extension("2.5.29.17", sequence(...hosts.map(generalName))),
  ];
}

function generalName(host: string): Der {
  const family = isIP(host);
  if (family === 0) return der(0x82, new TextEncoder().encode(host));
  return der(0x87, family === 4 ? Uint8Array.from(host.split("."), Number) : ipv6Bytes(host));
}

function ipv6Bytes(address: string): Uint8Array {
  return Uint8Array.from(ipv6Groups(address).flatMap((group) => [group >> 8, group & 255]));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
