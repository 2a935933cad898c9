import assert from "node:assert/strict";
import { FrameBatch } from "./frames.ts";
import { FrameWriter } from "./frame_writer.ts";

/** A stream whose writes take the given numbers of bytes, then all; a negative number fails. */
function stream(...sizes: number[]) {
  const chunks: Uint8Array[] = [];
  return {
    chunks,
    write(bytes: Uint8Array): Promise<number> {
      const size = sizes.shift() ?? bytes.length;
      if (size < 0) return Promise.reject(new Error("broken pipe"));
      chunks.push(bytes.slice(0, size));
      return Promise.resolve(size);
    },
  };
}

/** Bytes of frames with these texts. */
function framed(...texts: string[]): number[] {
  const batch = new FrameBatch();
  for (const text of texts) batch.add(text);
  return [...batch.bytes()];
}

const unexpected = () => assert.fail("no write fails");

Deno.test("FrameWriter: frames of one turn, are written together", async () => {
  const conn = stream();
  const writer = new FrameWriter(conn, unexpected);
  writer.add('{"a":1}');
  writer.add('{"b":2}');
  assert.equal(conn.chunks.length, 0);
  await writer.flushed;
  assert.deepEqual(conn.chunks.map((chunk) => [...chunk]), [framed('{"a":1}', '{"b":2}')]);
});

Deno.test("FrameWriter: frames added during a write, follow in order", async () => {
  const conn = stream();
  const writer = new FrameWriter(conn, unexpected);
  writer.add('{"a":1}');
  await Promise.resolve();
  writer.add('{"b":2}');
  writer.add('{"c":3}');
  await writer.flushed;
  const written = conn.chunks.map((chunk) => [...chunk]);
  assert.deepEqual(written, [framed('{"a":1}'), framed('{"b":2}', '{"c":3}')]);
});

Deno.test("FrameWriter: partial writes, are continued with the rest", async () => {
  const conn = stream(1, 3);
  const writer = new FrameWriter(conn, unexpected);
  writer.add('{"a":1}');
  await writer.flushed;
  assert.deepEqual(conn.chunks.flatMap((chunk) => [...chunk]), framed('{"a":1}'));
  assert.equal(conn.chunks.length, 3);
});

Deno.test("FrameWriter: a write fails, reports it once and writes no more", async () => {
  let failures = 0;
  const conn = stream(2, -1);
  const writer = new FrameWriter(conn, () => failures++);
  writer.add('{"a":1}');
  await writer.flushed;
  writer.add('{"b":2}');
  await writer.flushed;
  assert.equal(failures, 1);
  assert.equal(conn.chunks.length, 1);
});
