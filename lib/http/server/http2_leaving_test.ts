import assert from "node:assert/strict";
import { LeavingFrames } from "./http2_leaving.ts";

const goAwayType = 7;

function frame(type: number, length: number): number[] {
  return [0, length >> 8, length & 255, type, 0, 0, 0, 0, 1, ...new Array(length).fill(255)];
}

/** Returns the types of the frames in some bytes, all of which must be complete. */
function typesOf(bytes: readonly number[]): number[] {
  const types: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    types.push(bytes[at + 3]!);
    at += 9 + (bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!);
  }
  assert.equal(at, bytes.length);
  return types;
}

function written() {
  const bytes: number[] = [];
  const write = (part: Uint8Array) => {
    bytes.push(...part);
    return Promise.resolve(part.length);
  };
  return { bytes, frames: new LeavingFrames({ write }) };
}

Deno.test("LeavingFrames: tells the client at once if it is between two frames, and only once", async () => {
  const { bytes, frames } = written();
  await frames.pass(new Uint8Array(frame(4, 6)));
  frames.leave();
  frames.leave();
  await frames.pass(new Uint8Array(frame(1, 300)));
  assert.deepEqual(typesOf(bytes), [4, goAwayType, 1]);
});

Deno.test("LeavingFrames: tells the client after the frame, however its bytes arrive", async () => {
  const all = [...frame(4, 0), ...frame(1, 20), ...frame(0, 1000), ...frame(0, 5)];
  for (const size of [1, 3, 8, 9, 10, 100, 5000]) {
    const { bytes, frames } = written();
    for (let at = 0; at < all.length; at += size) {
      await frames.pass(new Uint8Array(all.slice(at, at + size)));
      if (at + size > 12) frames.leave();
    }
    await frames.pass(new Uint8Array());
    const types = typesOf(bytes);
    assert.deepEqual(types.filter((type) => type !== goAwayType), [4, 1, 0, 0]);
    assert.equal(types.length, 5, `in parts of ${size}`);
  }
});
