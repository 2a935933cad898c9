import assert from "node:assert/strict";
import { bytesOf } from "./child_output.ts";

Deno.test("bytesOf: a stream without a child process is read to its end, in pieces that fit the buffer", async () => {
  const source = bytesOf(
    new ReadableStream({
      type: "bytes",
      start(controller) {
        controller.enqueue(Uint8Array.of(1, 2, 3));
        controller.close();
      },
    }),
  );
  const read: number[] = [];
  const bytes = new Uint8Array(2);
  for (let count = await source.read(bytes); count !== null; count = await source.read(bytes)) {
    read.push(...bytes.subarray(0, count));
  }
  assert.deepEqual(read, [1, 2, 3]);
});
