import assert from "node:assert/strict";
import { counted } from "./upload.ts";

Deno.test("counted: sends all bytes in pieces, and counts them when they are accepted", async () => {
  const bytes = Uint8Array.from({ length: 150_000 }, (_, i) => i % 251);
  const seen: [number, number][] = [];
  const body = counted(bytes, (sent, total) => seen.push([sent, total]));
  assert.deepEqual(
    await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).bytes(),
    bytes,
  );
  const total = bytes.length;
  assert.deepEqual(seen, [[0, total], [65_536, total], [131_072, total], [total, total]]);
});

Deno.test("counted: an empty body ends at once", async () => {
  assert.equal(
    await new Response(
      counted(new Uint8Array(), () => {}) as ReadableStream<Uint8Array<ArrayBuffer>>,
    ).text(),
    "",
  );
});
