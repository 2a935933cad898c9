import assert from "node:assert/strict";
import { FrameError } from "./frames.ts";
import { streamWindow } from "./stream_window.ts";
import { StreamedBody } from "./streamed_body.ts";

function setUp() {
  const taken: number[] = [];
  const body = new StreamedBody((cost) => taken.push(cost));
  return { body, taken, reader: body.readable.getReader() };
}

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("StreamedBody: parts are read in order and counted when they are read", async () => {
  const { body, taken, reader } = setUp();
  const first = reader.read();
  body.push(bytes(1));
  assert.deepEqual((await first).value, bytes(1));
  body.push(new Uint8Array(5000));
  body.push(bytes(2));
  assert.deepEqual(taken, [1024]);
  assert.equal((await reader.read()).value!.length, 5000);
  assert.deepEqual(taken, [1024, 5000]);
  body.end();
  assert.deepEqual((await reader.read()).value, bytes(2));
  assert.equal((await reader.read()).done, true);
});

Deno.test("StreamedBody: unread parts beyond the window violate the protocol, however short they are", () => {
  const { body } = setUp();
  for (let n = 0; n < streamWindow / 1024; n++) body.push(bytes(n));
  assert.throws(() => body.push(bytes(0)), FrameError);
});

Deno.test("StreamedBody: an error discards unread parts, and later parts are dropped", async () => {
  const { body, reader } = setUp();
  body.push(bytes(1));
  body.end(new Error("too late"));
  body.push(bytes(2));
  body.end();
  await assert.rejects(reader.read(), /too late/);
});

Deno.test("StreamedBody: an error rejects a pending read, and a cancel is reported once", async () => {
  const waiting = setUp();
  const read = waiting.reader.read();
  waiting.body.end(new Error("gone"));
  await assert.rejects(read, /gone/);
  const left = setUp();
  let times = 0;
  left.body.left = () => times++;
  await left.reader.cancel();
  left.body.push(bytes(1));
  left.body.end(new Error("for nobody"));
  assert.equal(times, 1);
});
