import assert from "node:assert/strict";
import { pullText } from "./pulls.ts";

Deno.test("pullText: names the first pull and the number of others", () => {
  const pull = { Image: "python:3", Percent: 42, Message: "12 of 30 MB" };
  const shown = ": pulling python:3, 42 % (12 of 30 MB)";
  assert.equal(pullText({ Pulls: [pull] }), shown);
  assert.equal(pullText({ Pulls: [pull, pull] }), `${shown}, and 1 more`);
});

Deno.test("pullText: without pulls, or without a valid status, returns an empty text", () => {
  for (const status of [{ Pulls: [] }, {}, undefined, { Pulls: 1 }, { Pulls: [null] }]) {
    assert.equal(pullText(status), "");
  }
});
