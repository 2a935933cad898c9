/**
 * Reading child processes without their streams, by what Deno does not promise to keep.
 */

import assert from "node:assert/strict";
import { bytesOf } from "../../../lib/runtime/sandbox/child_output.ts";

Deno.test("output of a child process is read to its end, and its descriptor is closed", async () => {
  const child = new Deno.Command("echo", { args: ["one"], stdout: "piped" }).spawn();
  const source = bytesOf(child.stdout);
  assert.equal(child.stdout.locked, false, "it is read without the stream");
  const bytes = new Uint8Array(64);
  const count = await source.read(bytes);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, count!)), "one\n");
  assert.equal(await source.read(bytes), null);
  await child.status; // an open resource would fail the test
});
