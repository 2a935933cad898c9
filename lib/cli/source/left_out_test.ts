import assert from "node:assert/strict";
import { leftOutWarnings } from "./left_out.ts";

Deno.test("leftOutWarnings: counts omitted links and names the first", () => {
  assert.deepEqual(leftOutWarnings({ links: ["d", "b", "a/x", "c"], others: [] }), [
    "skipped 4 links: a/x, b, c, ...; copy their targets if the function needs them",
  ]);
  assert.deepEqual(leftOutWarnings({ links: ["a"], others: [] }), [
    "skipped 1 link: a; copy its target if the function needs it",
  ]);
});

Deno.test("leftOutWarnings: other files have their own sentence, and nothing omitted gives none", () => {
  assert.deepEqual(leftOutWarnings({ links: ["a", "b", "c"], others: ["pipe"] }), [
    "skipped 3 links: a, b, c; copy their targets if the function needs them",
    "skipped 1 special file: pipe",
  ]);
  assert.deepEqual(leftOutWarnings({ links: [], others: [] }), []);
});
