import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { makeSelfSigned } from "./self_signed.ts";

Deno.test("makeSelfSigned: makes a certificate that signs itself and is no CA", async () => {
  const hosts = ["edge-1.example", "192.0.2.7", "::1", "fe80::1:2", "::ffff:10.0.0.1"] as const;
  const { cert, key } = await makeSelfSigned([...hosts], 30);
  const certificate = new X509Certificate(cert);
  assert.equal(certificate.subject, "CN=edge-1.example");
  assert.equal(certificate.issuer, certificate.subject);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
  assert.equal(certificate.ca, false);
  assert.equal(
    certificate.subjectAltName,
    "DNS:edge-1.example, IP Address:192.0.2.7, IP Address:::1, IP Address:fe80::1:2, " +
      "IP Address:::ffff:10.0.0.1",
  );
  const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days <= 30, String(days));
});

Deno.test("makeSelfSigned: a validity beyond 2049 has four digits of the year", async () => {
  const { cert } = await makeSelfSigned(["a".repeat(100)], 36_500);
  const certificate = new X509Certificate(cert);
  assert.ok(new Date(certificate.validTo).getUTCFullYear() > 2100);
  assert.equal(certificate.subject, `CN=${"a".repeat(64)}`);
});
