import assert from "node:assert/strict";
import { ServerledgeError } from "../base/errors.ts";
import { FrameError } from "./frames.ts";
import { readHello, readReply } from "./messages.ts";

Deno.test("a hello tells the token", () => {
  assert.equal(readHello('{"token":"abc"}'), "abc");
});

Deno.test("what is no hello is refused", () => {
  for (const text of ["", "GET / HTTP/1.1", "[]", "null", "{}", '{"token":1}']) {
    assert.throws(() => readHello(text), FrameError, text);
  }
});

Deno.test("replies of success and failure are read", () => {
  assert.deepEqual(readReply('{"id":"1","ok":true,"result":"2","output":"o"}'), {
    id: "1",
    reply: { ok: true, result: "2", output: "o" },
  });
  const error = { type: "ValueError", message: "bad", traceback: "at" };
  assert.deepEqual(readReply(JSON.stringify({ id: "1", ok: false, error, output: "" })), {
    id: "1",
    reply: { ok: false, failure: error, output: "" },
  });
});

Deno.test("a reply with wrong fields is an error of its call only", () => {
  const wrong = [
    '{"id":"1"}',
    '{"id":"1","ok":true,"result":{},"output":""}',
    '{"id":"1","ok":true,"result":"1"}',
    '{"id":"1","ok":false,"error":"x","output":""}',
    '{"id":"1","ok":false,"error":{"type":1,"message":""},"output":""}',
  ];
  for (const text of wrong) {
    const { id, reply } = readReply(text);
    assert.equal(id, "1");
    assert.ok(reply instanceof ServerledgeError, text);
    assert.equal(reply.code, "UNPROCESSABLE");
  }
});

Deno.test("a reply to nobody breaks the connection", () => {
  for (const text of ["not JSON", "7", "{}", '{"id":1,"ok":true}']) {
    assert.throws(() => readReply(text), FrameError, text);
  }
});
