import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { ClusterKey } from "./keys.ts";

Deno.test("ClusterKey: signs by HMAC-SHA256 with a derived key", () => {
  const key = new ClusterKey("s3cret", "request");
  const derived = new Uint8Array(hkdfSync("sha256", "s3cret", "", "serverledge request", 32));
  for (const text of ["", "a", "ä\xff".repeat(1000)]) {
    const expected = createHmac("sha256", derived).update(text).digest("hex");
    assert.equal(key.sign(text), expected);
    assert.equal(key.sign(text), expected, "a key can be used again");
    assert.equal(key.sign(new TextEncoder().encode(text)), expected);
  }
});

Deno.test("ClusterKey: verifies signatures of its secret and purpose only", () => {
  const key = new ClusterKey("s3cret", "request");
  const signature = key.sign("text");
  assert(key.verify("text", signature));
  assert(new ClusterKey("s3cret", "request").verify("text", signature));
  assert(!key.verify("other", signature));
  for (const wrong of ["", "zz", signature.slice(2), `${signature}00`, "0".repeat(64)]) {
    assert(!key.verify("text", wrong), wrong);
  }
  assert(!new ClusterKey("s3cret", "response").verify("text", signature));
  assert(!new ClusterKey("other", "request").verify("text", signature));
});
