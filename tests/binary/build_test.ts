import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { defaultBinary } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";

Deno.test("the binary prints its version, commit and Deno version", async () => {
  const { code, stdout } = await runToEnd([defaultBinary(), "--version"]);
  assert.equal(code, 0);
  assert.ok(stdout.includes(manifest.version), stdout);
  assert.match(stdout, /\b([0-9a-f]{7,}(-dirty)?|unknown)\b/);
  assert.ok(stdout.includes("2.7.11"), stdout);
});

Deno.test("the binary contains neither gRPC nor etcd's protocol files, which cost a node 13 MiB", async () => {
  for (const trace of ["service KV", "grpc-node-js/"]) {
    const { code } = await runToEnd(["grep", "-c", "-a", "-F", trace, defaultBinary()]);
    assert.equal(code, 1, trace);
  }
});
