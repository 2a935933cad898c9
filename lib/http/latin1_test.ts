import assert from "node:assert/strict";
import { latin1Bytes, latin1Text } from "./latin1.ts";

Deno.test("latin1: converts each byte to one character and back", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, k) => k);
  const text = latin1Text(bytes);
  assert.deepEqual([...text].map((c) => c.charCodeAt(0)), [...bytes]);
  assert.deepEqual(latin1Bytes(text), bytes);
  assert.deepEqual(latin1Bytes(latin1Text(bytes.subarray(0, 128))), bytes.subarray(0, 128));
});
