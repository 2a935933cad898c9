import assert from "node:assert/strict";
import { maxPartBytes, streamWindow } from "../../wire/stream_window.ts";
import { ReplyStream } from "./reply_stream.ts";

/** A stream with what it has sent, and a way to cancel its call. */
function open() {
  const messages: { data?: string }[] = [];
  const abort = new AbortController();
  const send = (message: object) => void messages.push(message);
  const stream = new ReplyStream({ id: "c", send, signal: abort.signal }, {
    status: 201,
    headers: [["x-a", "b"]],
  });
  return { stream, messages, abort };
}

/** Number of parts of maximum size that fill the window. */
const full = streamWindow / maxPartBytes;

Deno.test("ReplyStream: sends the head, and bytes in parts of bounded size", async () => {
  const { stream, messages } = open();
  assert.deepEqual(messages, [{ part: "c", status: 201, headers: [["x-a", "b"]] }]);
  const bytes = new Uint8Array(maxPartBytes + 1).fill(7);
  await stream.write(bytes);
  await stream.write(new Uint8Array());
  const parts = messages.slice(1).map(({ data }) => Uint8Array.fromBase64(data!).length);
  assert.deepEqual(parts, [maxPartBytes, 1]);
});

Deno.test("ReplyStream: full window, waits until parts are acknowledged", async () => {
  const { stream, messages } = open();
  let isWritten = false;
  const written = stream.write(new Uint8Array(streamWindow + 1)).then(() => isWritten = true);
  await Promise.resolve();
  assert.equal(messages.length, 1 + full);
  stream.taken(1);
  await Promise.resolve();
  assert.equal(messages.length, 1 + full, "a part costs at least 1 KiB");
  stream.taken(maxPartBytes - 1);
  await written;
  assert.ok(isWritten && messages.length === 2 + full);
});

Deno.test("ReplyStream: cancelled or ended while it waits, rejects and sends no more", async () => {
  for (
    const [end, reason] of [
      ["abort", /out of time/],
      ["close", /The invocation has ended/],
    ] as const
  ) {
    const { stream, messages, abort } = open();
    const written = stream.write(new Uint8Array(2 * streamWindow));
    if (end === "abort") abort.abort(new Error("out of time"));
    else stream.close();
    await assert.rejects(written, reason);
    await assert.rejects(stream.write(new Uint8Array(1)), reason);
    assert.equal(messages.length, 1 + full);
  }
});
