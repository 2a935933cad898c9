import assert from "node:assert/strict";
import { ServerledgeError } from "../../base/errors.ts";
import { type Frame, FrameBatch, FrameError, FrameReader, maxFrameBytes } from "./frames.ts";

/** Hands bytes to a reader in pieces and returns the frames that come out. */
function read(reader: FrameReader, bytes: Uint8Array, pieceLength: number): string[] {
  const frames: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    assert.ok(space.length > 0);
    const piece = bytes.subarray(at, at + Math.min(pieceLength, space.length));
    space.set(piece);
    reader.received(piece.length);
    at += piece.length;
    for (let text = reader.next(); text !== undefined; text = reader.next()) frames.push(text);
  }
  return frames;
}

/** Hands bytes to a reader and gives the frames that come out, each before more is received. */
function* take(reader: FrameReader, bytes: Uint8Array): Generator<Frame> {
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    const piece = bytes.subarray(at, at + space.length);
    space.set(piece);
    reader.received(piece.length);
    at += piece.length;
    for (let frame = reader.nextFrame(); frame; frame = reader.nextFrame()) yield frame;
  }
}

function batch(...texts: string[]): Uint8Array {
  const collected = new FrameBatch();
  for (const text of texts) collected.add(text);
  return collected.bytes();
}

const texts = ['{"id":"a"}', "", '"grüße 🌍"', "{}", "x".repeat(300)];

Deno.test("FrameReader: returns the frames that were added, wherever the stream is cut", () => {
  const bytes = batch(...texts);
  for (let cut = 1; cut <= bytes.length; cut++) {
    assert.deepEqual(read(new FrameReader(), bytes, cut), texts);
  }
});

Deno.test("FrameReader: returns the same frames if the stream is cut once at any byte", () => {
  const bytes = batch(...texts);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new FrameReader();
    const first = read(reader, bytes.subarray(0, cut), bytes.length);
    const second = read(reader, bytes.subarray(cut), bytes.length);
    assert.deepEqual([...first, ...second], texts);
  }
});

Deno.test("FrameReader: reads frames longer than its buffer before and after short ones", () => {
  const long = "é".repeat(200_000);
  const reader = new FrameReader();
  assert.deepEqual(read(reader, batch("a", long, "b"), 60_000), ["a", long, "b"]);
  assert.deepEqual(read(reader, batch("c"), 60_000), ["c"]);
});

Deno.test("FrameReader: rejects a length beyond the bound before it allocates memory", () => {
  const reader = new FrameReader();
  reader.space().set([0xff, 0xff, 0xff, 0xff]);
  reader.received(4);
  assert.throws(() => reader.next(), FrameError);
});

Deno.test("FrameReader: allocates no memory for a frame that is only announced", () => {
  const reader = new FrameReader();
  let reserved = 0;
  reader.hold = (bytes) => {
    reserved += bytes;
    return { [Symbol.dispose]() {} };
  };
  reader.space().set([4, 0, 0, 0]); // 64 MiB
  reader.received(4);
  for (;;) {
    assert.equal(reader.next(), undefined);
    const { byteLength } = reader.space().buffer;
    if (reserved > 0) break;
    assert.ok(byteLength <= 1 << 16, `${byteLength} bytes before they are reserved`);
    reader.received(1);
  }
  assert.equal(reserved, 64 << 20);
  assert.equal(reader.space().buffer.byteLength, 4 + (64 << 20));
});

Deno.test("FrameBatch: rejects a text beyond the bound and keeps the other frames", () => {
  const collected = new FrameBatch();
  collected.add("before");
  assert.throws(() => collected.add("x".repeat(maxFrameBytes + 1)), { code: "PAYLOAD_TOO_LARGE" });
  collected.add("after");
  assert.deepEqual(read(new FrameReader(), collected.bytes(), 1000), ["before", "after"]);
});

Deno.test("FrameBatch: is empty after clear and can be filled again", () => {
  const collected = new FrameBatch();
  collected.add("x".repeat(100_000));
  collected.clear();
  assert.equal(collected.length, 0);
  collected.add("again");
  assert.deepEqual(read(new FrameReader(), collected.bytes(), 10), ["again"]);
});

Deno.test("FrameReader: skips the middle of a frame that is too long to be kept", () => {
  const ends = (text: string) => text.slice(0, 1024) + text.slice(-64);
  const long = Array.from({ length: 40_000 }, (_, at) => `${at},`).join("");
  const bytes = batch("a", long, "b", "x".repeat(2000), "c");
  for (const size of [1, 7, 1023, 1100, 60_000, bytes.length]) {
    const reader = new FrameReader();
    reader.keptBytes = 2000;
    const found: [string, boolean][] = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const frame of take(reader, bytes.subarray(at, at + size))) {
        found.push([new TextDecoder().decode(frame.bytes), frame.isCut]);
      }
      assert.ok(reader.space().length <= 1 << 16, "no more is held than is read at once");
    }
    const whole = [["a", false], [ends(long), true], ["b", false], ["x".repeat(2000), false]];
    assert.deepEqual(found, [...whole, ["c", false]], `pieces of ${size}`);
  }
});

Deno.test("FrameReader: does not change a long frame when more bytes are received", () => {
  const long = "x".repeat(100_000);
  const bytes = batch(long, "y".repeat(150_000), "z");
  const reader = new FrameReader();
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 50_000) {
    for (const frame of take(reader, bytes.subarray(at, at + 50_000))) found.push(frame.bytes);
  }
  assert.equal(new TextDecoder().decode(found[0]), long);
  assert.deepEqual(found.map(({ length }) => length), [100_000, 150_000, 1]);
});

Deno.test("FrameReader: moves the received bytes of a long frame once", () => {
  const bytes = batch("a", "x".repeat(3 << 20));
  const reader = new FrameReader();
  const buffers = new Set<ArrayBufferLike>();
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    buffers.add(space.buffer);
    const piece = bytes.subarray(at, at + Math.min(space.length, 50_000));
    space.set(piece);
    reader.received(piece.length);
    at += piece.length;
    while (at < bytes.length && reader.next() !== undefined);
  }
  assert.equal(buffers.size, 2);
  assert.equal(reader.next()?.length, 3 << 20);
});

Deno.test("FrameReader: skips a long frame for which no memory can be reserved", () => {
  const bytes = batch("a", "x".repeat(300_000), "y".repeat(300_000), "z".repeat(300_000), "b");
  for (const size of [7, 1100, 70_000, bytes.length]) {
    const reader = new FrameReader();
    let reserved = 0;
    reader.hold = (count, head) => {
      if (head[0] === "z".charCodeAt(0)) return undefined;
      if (reserved > 0) throw new ServerledgeError("FUNCTION_ERROR", "no room");
      reserved += count;
      return { [Symbol.dispose]: () => void (reserved -= count) };
    };
    const found: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const frame of take(reader, bytes.subarray(at, at + size))) {
        const { bytes: [first], isCut, refusal, held } = frame;
        found.push([String.fromCharCode(first!), isCut, refusal?.message, held !== undefined]);
      }
    }
    assert.deepEqual(found, [
      ["a", false, undefined, false],
      ["x", false, undefined, true],
      ["y", true, "no room", false],
      ["z", false, undefined, false],
      ["b", false, undefined, false],
    ], `pieces of ${size}`);
    assert.equal(reserved, 300_000);
  }
});

Deno.test("FrameReader: releases the memory reserved for an incomplete frame when disposed", () => {
  const reader = new FrameReader();
  let reserved = 0;
  reader.hold = (count) => {
    reserved += count;
    return { [Symbol.dispose]: () => void (reserved -= count) };
  };
  read(reader, batch("x".repeat(300_000)).subarray(0, 1000), 1000);
  assert.equal(reserved, 300_000);
  reader[Symbol.dispose]();
  assert.equal(reserved, 0);
});
