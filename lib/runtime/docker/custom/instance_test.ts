import assert from "node:assert/strict";
import { QuotedText } from "../../../json/quoted.ts";
import { readCustomReply, readReply } from "./instance.ts";

Deno.test("readCustomReply: accepts a reply without Output and Result", () => {
  assert.deepEqual(readCustomReply(200, '{"Success":true}'), { ok: true, result: "", output: "" });
  assert.deepEqual(readCustomReply(200, '{"Success":true,"Result":"[1]","Output":"o","Extra":1}'), {
    ok: true,
    result: "[1]",
    output: "o",
  });
});

Deno.test("readCustomReply: without Success, returns the function's failure with the image's message", () => {
  const reply = readCustomReply(200, '{"Success":false,"Output":"o","Error":"bad input"}');
  assert.deepEqual(reply, {
    ok: false,
    failure: { type: "FunctionFailure", message: "bad input", traceback: "" },
    output: "o",
  });
  assert.equal(readCustomReply(200, "{}").ok, false);
});

Deno.test("readCustomReply: a status other than 200 is a failure", () => {
  const reply = readCustomReply(500, "stack trace");
  assert.ok(!reply.ok);
  assert.equal(reply.failure.type, "HttpStatus");
  assert.match(reply.failure.message, /500/);
  assert.equal(reply.failure.traceback, "stack trace");
  assert.equal(readCustomReply(500, '{"Success":false,"Output":"o"}').output, "o");
});

Deno.test("readCustomReply: a reply that violates the protocol is a failure", () => {
  for (const text of ["", "hello", "[]", '{"Success":"yes"}', '{"Success":true,"Result":{}}']) {
    const reply = readCustomReply(200, text);
    assert.equal(!reply.ok && reply.failure.type, "BadReply", text);
  }
});

Deno.test("readReply: keeps the text of a long result, and refuses one beyond the maximum", async () => {
  const result = JSON.stringify('"é'.repeat(100_000));
  const body = new TextEncoder().encode(
    JSON.stringify({ Success: true, Result: result, Output: "o" }),
  );
  const reply = await readReply({ status: 200, body }, 1 << 20);
  assert.ok(reply.ok && reply.result instanceof QuotedText && String(reply.result) === result);
  assert.equal(reply.output, "o");
  const refused = await readReply({ status: 200, body }, 1 << 18);
  assert.equal(!refused.ok && refused.failure.type, "ResultTooLarge");
});

Deno.test("readReply: a long body that is not a reply is shown by its beginning", async () => {
  const body = new TextEncoder().encode(`<html>${"x".repeat(1 << 19)}`);
  const reply = await readReply({ status: 502, body }, 1 << 20);
  assert.match(!reply.ok ? reply.failure.traceback : "", /^<html>x{4090}$/);
  assert.equal((await readReply({ status: 200, body }, 1 << 20)).ok, false);
});
