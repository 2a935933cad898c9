import assert from "node:assert/strict";
import { leftOutWarnings } from "./left_out.ts";

Deno.test("leftOutWarnings: counts omitted links and names the first", () => {
  assert.deepEqual(leftOutWarnings({ links: ["d", "b", "a/x", "c"], others: [] }), [
    "left out 4 links: a/x, b, c, ...; copy what they point to if the function needs it",
  ]);
  assert.deepEqual(leftOutWarnings({ links: ["a"], others: [] }), [
    "left out 1 link: a; copy what it points to if the function needs it",
  ]);
});

Deno.test("leftOutWarnings: other files have their own sentence, and nothing omitted gives none", () => {
  assert.deepEqual(leftOutWarnings({ links: ["a", "b", "c"], others: ["pipe"] }), [
    "left out 3 links: a, b, c; copy what they point to if the function needs it",
    "left out 1 of neither file nor folder nor link: pipe",
  ]);
  assert.deepEqual(leftOutWarnings({ links: [], others: [] }), []);
});
