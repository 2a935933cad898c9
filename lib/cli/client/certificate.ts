/**
 * Certificates of nodes that are trusted by their fingerprint.
 *
 * @module
 */

import type { X509Certificate } from "node:crypto";
import { ServerledgeError } from "../../base/errors.ts";
import { fingerprintOf } from "../../http/tls/certificate.ts";
import { authority, type Endpoint } from "./endpoint.ts";
import { unreachable } from "./unreachable.ts";

/** Maximum time to get a certificate, ms. */
const timeoutMs = 15_000;

/** Certificate that a node has sent. Nothing proves yet whose it is. */
export interface FetchedCertificate {
  /** The certificate, PEM. */
  readonly pem: string;
  /** `SHA256:` and 64 hexadecimal digits. */
  readonly fingerprint: string;
}

/**
 * Gets the certificate of a node. Its sender may be anyone, so its fingerprint must be compared.
 *
 * @throws `PEER_UNREACHABLE` if there is no node with TLS; `UNPROCESSABLE` if the certificate cannot be
 *   trusted by itself
 */
export async function fetchCertificate(endpoint: Endpoint): Promise<FetchedCertificate> {
  const { X509Certificate } = await import("node:crypto");
  const certificate = new X509Certificate(await receive(endpoint));
  const problem = problemOf(certificate);
  if (problem) {
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `The certificate of ${authority(endpoint)} cannot be trusted by its fingerprint: ${problem}`,
    );
  }
  return {
    pem: certificate.toString(),
    fingerprint: fingerprintOf(certificate.fingerprint256),
  };
}

/**
 * Gets the certificate of a node with a known fingerprint.
 *
 * @param fingerprint as `serverledge tls self-signed` prints it; colons and case do not matter
 * @returns the certificate, PEM
 * @throws `UNAUTHORIZED` if the node has another one; the errors of {@link fetchCertificate}
 */
export async function pinnedCertificate(endpoint: Endpoint, fingerprint: string): Promise<string> {
  const digest = fingerprint.replace(/^SHA256:/i, "").replaceAll(":", "");
  if (!/^[0-9a-f]{64}$/i.test(digest)) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `--fingerprint: Expected SHA256: and 64 hexadecimal digits, but got "${fingerprint}"`,
    );
  }
  const { pem, fingerprint: actual } = await fetchCertificate(endpoint);
  if (actual === fingerprintOf(digest)) return pem;
  throw new ServerledgeError(
    "UNAUTHORIZED",
    `${authority(endpoint)} has a certificate with the fingerprint ${actual}, not ` +
      `${
        fingerprintOf(digest)
      }: another server may pose as the node, or its certificate was replaced`,
  );
}

/** Returns why a client could not accept a certificate as its own authority. */
function problemOf(certificate: X509Certificate): string | undefined {
  if (certificate.subject !== certificate.issuer || !certificate.verify(certificate.publicKey)) {
    return "a CA signed it; give the CA's certificate with --ca, unless it is a public CA";
  }
  return certificate.ca
    ? "it is a CA certificate; create another one with serverledge tls self-signed"
    : undefined;
}

/** Connects without verification. @returns the certificate, DER */
async function receive(endpoint: Endpoint): Promise<Uint8Array<ArrayBuffer>> {
  const { connect } = await import("node:tls");
  const { host, port } = endpoint;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const socket = connect({ host, port, rejectUnauthorized: false });
  socket.setTimeout(timeoutMs, () => reject(new Error("no response in time")));
  socket.once("error", reject);
  socket.once("secureConnect", () => resolve(new Uint8Array(socket.getPeerCertificate().raw)));
  try {
    return await promise;
  } catch (cause) {
    throw await unreachable(endpoint, cause);
  } finally {
    socket.destroy();
  }
}
