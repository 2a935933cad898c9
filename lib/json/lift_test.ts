import assert from "node:assert/strict";
import { liftText, RestTooLong } from "./lift.ts";
import { JsonScanError } from "./tokens.ts";

const lift = (json: string, maxRest = 1000) =>
  liftText(new TextEncoder().encode(json), "result", maxRest);

Deno.test("liftText: extracts the quoted string, the rest stays an object", async () => {
  const long = JSON.stringify('é"\\ 😀'.repeat(100_000));
  const { rest, text } = await lift(`{"id":"é","result":${long},"output":"result"}`);
  assert.deepEqual(JSON.parse(rest), { id: "é", result: "", output: "result" });
  assert.equal(new TextDecoder().decode(text!.json), long);
});

Deno.test("liftText: two members of one name, extracts the last, as JSON.parse does", async () => {
  const { rest, text } = await lift('{"result":"a","result":"b"}');
  assert.equal(String(text), "b");
  assert.deepEqual(JSON.parse(rest), { result: "" });
});

Deno.test("liftText: extracts only a string of the outermost object", async () => {
  for (const json of ['{"a":{"result":"x"}}', '{"result":["x"]}', '["result"]', "{}", "null"]) {
    assert.deepEqual(await lift(json), { rest: json, text: undefined });
  }
});

Deno.test("liftText: throws for text that is not JSON", async () => {
  for (const json of ['{"result":"a"', '{"result":"\\x"}']) {
    await assert.rejects(lift(json), JsonScanError);
  }
});

Deno.test("liftText: does not parse a long rest, or one with many values", async () => {
  const bad = [
    `{"result":"a","error":"${"x".repeat(2000)}"}`,
    `{"result":[${"{},".repeat(20_000)}{}]}`,
  ];
  for (const json of bad) await assert.rejects(lift(json), RestTooLong);
});
