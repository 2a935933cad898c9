/**
 * Certificates for servers under test, made by openssl.
 *
 * @module
 */

import assert from "node:assert/strict";

/** PEM files of a self-signed certificate for this machine. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate for `localhost` and 127.0.0.1 that no authority has signed.
 *
 * @param name name of its files
 * @param days its validity
 */
export async function makeCertificate(
  folder: string,
  name: string,
  days = 30,
): Promise<TestCertificate> {
  const files = { cert: `${folder}/${name}.crt`, key: `${folder}/${name}.key` };
  const options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes " +
    "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...options.split(" "),
      ...["-subj", `/CN=${name}`, "-days", String(days), "-out", files.cert, "-keyout", files.key],
    ],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return files;
}

/** Replaces a certificate as renewal programs do: each file by a rename. */
export async function replaceCertificate(
  old: TestCertificate,
  next: TestCertificate,
): Promise<void> {
  for (const file of ["cert", "key"] as const) {
    await Deno.copyFile(next[file], `${old[file]}.new`);
    await Deno.rename(`${old[file]}.new`, old[file]);
  }
}
