import assert from "node:assert/strict";
import { LogTail } from "./log_tail.ts";

const encoder = new TextEncoder();

function tailOf(...chunks: (string | Uint8Array)[]): LogTail {
  const bytes = chunks.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  return new LogTail(ReadableStream.from(bytes));
}

Deno.test("LogTail: lines, gives the last ones with or without a final line break", async () => {
  const closed = tailOf("one\ntwo\nth", "ree\n");
  await closed.ended;
  assert.equal(closed.lines(2), "two\nthree\n");
  assert.equal(closed.lines(9), "one\ntwo\nthree\n");
  const open = tailOf("one\ntwo");
  await open.ended;
  assert.equal(open.lines(1), "two");
});

Deno.test("LogTail: listener, gets the stored tail and new text, with characters in one piece", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const tail = new LogTail(readable);
  await writer.write(encoder.encode("stored "));
  const texts: string[] = [];
  tail.listen((text) => texts.push(text));
  const [first, ...rest] = encoder.encode("ü");
  await writer.write(Uint8Array.of(first!));
  await writer.write(Uint8Array.from(rest));
  await writer.close();
  await tail.ended;
  assert.equal(texts.join(""), "stored ü");
});

Deno.test("LogTail: more output than it keeps, drops the oldest chunks", async () => {
  const long = `${"x".repeat(40_000)}\n`;
  const tail = tailOf("first\n", long, long, "last\n");
  await tail.ended;
  assert.equal(tail.lines(9), `${long}last\n`);
  const huge = tailOf(`first\n${"y".repeat(100_000)}`);
  await huge.ended;
  assert.equal(huge.lines(9), "y".repeat(64 << 10));
});

Deno.test("LogTail: a stream that fails, ends the tail and keeps what it has read", async () => {
  const tail = new LogTail(
    ReadableStream.from((async function* () {
      yield encoder.encode("before\n");
      await Promise.resolve();
      throw new Error("broken pipe");
    })()),
  );
  await tail.ended;
  assert.equal(tail.lines(1), "before\n");
});
