import assert from "node:assert/strict";
import { sha256 } from "./digest.ts";
import { Rope } from "./rope.ts";

const sliceBytes = 1 << 20;

async function expected(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("sha256: digests data of any length, in one piece or several", async () => {
  for (const length of [0, 1, sliceBytes, sliceBytes + 1, 3 * sliceBytes]) {
    const bytes = new Uint8Array(length).map((_, at) => at * 7);
    assert.equal(await sha256(bytes), await expected(bytes), `${length} bytes`);
    const middle = length >> 1;
    const rope = new Rope([bytes.subarray(0, middle), bytes.subarray(middle)]);
    assert.equal(await sha256(rope), await expected(bytes), `${length} bytes in two parts`);
  }
});

Deno.test("sha256: digests text as UTF-8", async () => {
  for (const text of ["", "grüß", "ü".repeat(sliceBytes + 1)]) {
    assert.equal(await sha256(text), await expected(new TextEncoder().encode(text)));
  }
});

Deno.test("sha256: lets the event loop run between slices", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await sha256(new Uint8Array(32 * sliceBytes));
  clearInterval(timer);
  assert(turns > 5, `${turns} turns`);
});
