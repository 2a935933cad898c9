import assert from "node:assert/strict";
import { FrameError } from "./frames.ts";
import { readCutReply, readHello, readLog, readPart, readReply, tooLong } from "./messages.ts";

Deno.test("readHello: returns the token", () => {
  assert.equal(readHello('{"token":"abc"}'), "abc");
});

Deno.test("readHello: rejects a text that is not a hello", () => {
  for (const text of ["", "GET / HTTP/1.1", "[]", "null", "{}", '{"token":1}']) {
    assert.throws(() => readHello(text), FrameError, text);
  }
});

Deno.test("readReply: reads replies of success and failure", () => {
  assert.deepEqual(readReply('{"id":"1","ok":true,"result":"2","output":"o"}'), {
    id: "1",
    reply: { ok: true, result: "2", output: "o" },
    waits: false,
  });
  const error = { type: "ValueError", message: "bad", traceback: "at" };
  assert.deepEqual(readReply(JSON.stringify({ id: "1", ok: false, error, output: "" })), {
    id: "1",
    reply: { ok: false, failure: error, output: "" },
    waits: false,
  });
  assert.ok(readReply('{"id":"1","ok":true,"result":"2","output":"","waits":true}').waits);
});

Deno.test("readReply: a reply with wrong fields fails only its call", () => {
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
    assert.equal(!reply.ok && reply.failure.type, "BadReply", text);
  }
});

Deno.test("readReply: throws if a reply has no call's id", () => {
  for (const text of ["not JSON", "7", "{}", '{"id":1,"ok":true}']) {
    assert.throws(() => readReply(text), FrameError, text);
  }
});

Deno.test("readPart: reads the head and the bytes of a streamed response, and rejects other parts", () => {
  assert.deepEqual(readPart('{"part":"a","status":201,"headers":[["X-A","1"]]}'), {
    id: "a",
    head: { status: 201, headers: [["x-a", "1"]] },
  });
  assert.deepEqual(readPart('{"part":"a","data":"AQI="}'), {
    id: "a",
    data: Uint8Array.from([1, 2]),
  });
  const broken = [
    '{"part":1,"data":""}',
    '{"part":"a"}',
    '{"part":"a","data":"?"}',
    '{"part":"a","status":99,"headers":[]}',
    '{"part":"a","status":200}',
    '{"part":"a","status":200,"headers":[["a b","1"]]}',
    '{"part":"a","status":200,"headers":[["a"]]}',
  ];
  for (const text of broken) assert.throws(() => readPart(text), FrameError, text);
});

Deno.test("readLog: reads output of a call and output without one, and rejects other frames", () => {
  assert.deepEqual(readLog('{"log":"a","text":"hello\\n"}'), { id: "a", text: "hello\n" });
  assert.deepEqual(readLog('{"log":null,"text":""}'), { id: null, text: "" });
  const broken = ['{"log":"a"}', '{"log":1,"text":""}', '{"text":""}', '{"log":null,"text":null}'];
  for (const text of [...broken, JSON.stringify({ log: "x".repeat(300), text: "" })]) {
    assert.throws(() => readLog(text), FrameError, text);
  }
});

Deno.test("readCutReply: a result that is too long fails its call, and names the key that bounds it", () => {
  const ends = '{"id":"f-1","ok":true,"result":"xxxx\\"waits\\":true';
  const { id, reply, waits } = readCutReply(`${ends}","output":""}`, tooLong(2 << 20));
  assert.equal(id, "f-1");
  assert.equal(!reply.ok && reply.failure.type, "ResultTooLarge");
  assert.match(!reply.ok ? reply.failure.message : "", /longer than 2 MiB.*api\.result\.max/);
  assert.equal(waits, false);
  assert.ok(readCutReply(`${ends}","output":"","waits":true}`, reply).waits);
  assert.throws(() => readCutReply('{"log":"1","text":"x', reply), FrameError);
});
