/**
 * Certificate and key of a server.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { pemProblem, readPemFile } from "../../base/pem_file.ts";

/** PEM files of a server's certificate. */
export interface CertificateFiles {
  /** File with the certificate, followed by those of intermediate authorities. */
  readonly cert: string;
  /** File with the private key. */
  readonly key: string;
}

/** Certificate with its key. */
export interface Certificate {
  /** Certificate and those of intermediate authorities, PEM. */
  readonly cert: string;
  /** Private key, PEM. */
  readonly key: string;
  /** End of its validity, ms since 1970. */
  readonly expiresAt: number;
  /** SHA-256 of the certificate, in the notation of {@link fingerprintOf}. */
  readonly fingerprint: string;
}

/**
 * Reads the files `api.tls.cert` and `api.tls.key`.
 *
 * @throws `CONFIG_INVALID` if a file is unusable, or the two do not belong together
 */
export function readCertificate(files: CertificateFiles): Certificate {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const cert = text(readPemFile("api.tls.cert", files.cert, "certificate"));
  const key = text(readPemFile("api.tls.key", files.key, "private key without a passphrase"));
  const first = parsed(files.cert, cert);
  if (!belongsTo(first, files.key, key)) {
    throw pemProblem("api.tls.key", `${files.key} is not the key of the certificate ${files.cert}`);
  }
  return {
    cert,
    key,
    expiresAt: Date.parse(first.validTo),
    fingerprint: fingerprintOf(first.fingerprint256),
  };
}

/**
 * Returns a fingerprint as programs and people exchange it.
 *
 * @param digest SHA-256 of the certificate (DER) in hexadecimal, with or without colons
 * @returns `SHA256:` and 64 lower-case hexadecimal digits
 */
export function fingerprintOf(digest: string): string {
  return `SHA256:${digest.replaceAll(":", "").toLowerCase()}`;
}

function parsed(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw pemProblem("api.tls.cert", `${path} has a damaged certificate`, cause);
  }
}

function belongsTo(certificate: X509Certificate, path: string, pem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem));
  } catch (cause) {
    throw pemProblem("api.tls.key", `${path} has a damaged or unknown key`, cause);
  }
}
