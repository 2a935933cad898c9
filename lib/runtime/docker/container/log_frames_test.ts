import assert from "node:assert/strict";
import { readLogFrames } from "./log_frames.ts";

function frame(stream: number, bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(8 + bytes.length);
  framed[0] = stream;
  new DataView(framed.buffer).setUint32(4, bytes.length);
  framed.set(bytes, 8);
  return framed;
}

Deno.test("both streams are read in order, a character cut between frames too", () => {
  const text = new TextEncoder().encode("grüße\n");
  const bytes = [frame(1, text.subarray(0, 3)), frame(1, text.subarray(3)), frame(2, text)];
  const all = new Uint8Array(bytes.flatMap((part) => [...part]));
  assert.equal(readLogFrames(all), "grüße\ngrüße\n");
});

Deno.test("a log cut short is read as far as it goes", () => {
  const all = frame(1, new TextEncoder().encode("hello"));
  assert.equal(readLogFrames(all.subarray(0, 10)), "he");
  assert.equal(readLogFrames(all.subarray(0, 5)), "");
  assert.equal(readLogFrames(new Uint8Array()), "");
});
