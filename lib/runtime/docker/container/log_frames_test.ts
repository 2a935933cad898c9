import assert from "node:assert/strict";
import { readLogFrames } from "./log_frames.ts";

function frame(stream: number, bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(8 + bytes.length);
  framed[0] = stream;
  new DataView(framed.buffer).setUint32(4, bytes.length);
  framed.set(bytes, 8);
  return framed;
}

Deno.test("readLogFrames: reads both streams in order, even if a character is cut between frames", () => {
  const text = new TextEncoder().encode("grüße\n");
  const bytes = [frame(1, text.subarray(0, 3)), frame(1, text.subarray(3)), frame(2, text)];
  const all = new Uint8Array(bytes.flatMap((part) => [...part]));
  assert.equal(readLogFrames(all), "grüße\ngrüße\n");
});

Deno.test("readLogFrames: reads an incomplete log as far as it has arrived", () => {
  const all = frame(1, new TextEncoder().encode("hello"));
  assert.equal(readLogFrames(all.subarray(0, 10)), "he");
  assert.equal(readLogFrames(all.subarray(0, 5)), "");
  assert.equal(readLogFrames(new Uint8Array()), "");
});
