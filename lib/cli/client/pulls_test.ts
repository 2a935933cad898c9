import assert from "node:assert/strict";
import { pullText } from "./pulls.ts";

Deno.test("pulls are shown by the first and how many more", () => {
  const pull = { Image: "python:3", Percent: 42, Message: "12 of 30 MB" };
  const shown = ": fetching python:3, 42 % (12 of 30 MB)";
  assert.equal(pullText({ Pulls: [pull] }), shown);
  assert.equal(pullText({ Pulls: [pull, pull] }), `${shown}, and 1 more`);
});

Deno.test("a node that fetches nothing, or does not tell, leaves the label as it is", () => {
  for (const status of [{ Pulls: [] }, {}, undefined, { Pulls: 1 }, { Pulls: [null] }]) {
    assert.equal(pullText(status), "");
  }
});
