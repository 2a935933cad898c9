import assert from "node:assert/strict";
import { FrameReader } from "../../wire/frames.ts";
import { CallOutput } from "./output.ts";
import { OutputPipe } from "./output_pipe.ts";

function setUp() {
  const pieces: string[] = [];
  return { pieces, output: new CallOutput("1", (_id, text) => void pieces.push(text)) };
}

Deno.test("CallOutput: decodes characters that are split across writes to several streams", () => {
  const { pieces, output } = setUp();
  const [first, ...rest] = new TextEncoder().encode("\u00e9");
  output.writeBytes(1, Uint8Array.of(first!));
  output.writeBytes(2, new TextEncoder().encode("error\n"));
  output.writeBytes(1, Uint8Array.from(rest));
  output.writeBytes(1, Uint8Array.of(first!));
  output.flush();
  assert.deepEqual(pieces, ["error\n", "\u00e9", "\ufffd"]);
  output.flush();
  assert.equal(pieces.length, 3);
});

Deno.test("CallOutput: long text is sent in pieces of whole characters and truncated once", () => {
  const { pieces, output } = setUp();
  const text = "\u{1f600}".repeat(300_000);
  output.write("x" + text);
  output.write(text);
  output.write(text);
  const whole = pieces.join("");
  assert.ok(whole.startsWith("x" + text), "nothing is lost between pieces");
  assert.equal(whole.length, (1 << 20) + whole.match(/\n\[output cut here.*\]\n$/)![0].length);
  const encoder = new TextEncoder();
  assert.ok(pieces.every((piece) => encoder.encode(piece).length <= 64 << 10));
  assert.ok(pieces.slice(0, -1).every((piece) => piece.isWellFormed()));
});

Deno.test("OutputPipe: partial writes still produce whole frames", () => {
  const reader = new FrameReader();
  const pipe = new OutputPipe((bytes) => {
    const count = Math.min(3, bytes.length);
    reader.space().set(bytes.subarray(0, count));
    reader.received(count);
    return count;
  });
  pipe.send({ log: "1", text: "a" });
  pipe.send({ log: null, text: "b" });
  assert.deepEqual([reader.next(), reader.next(), reader.next()], [
    '{"log":"1","text":"a"}',
    '{"log":null,"text":"b"}',
    undefined,
  ]);
});
