import assert from "node:assert/strict";
import { nearest } from "./nearest.ts";

Deno.test("nearest: returns the candidate that is closest to a misspelt word", () => {
  const keys = ["api.port", "api.listen", "log.level"];
  assert.equal(nearest("api.prot", keys), "api.port");
  assert.equal(nearest("log.lvl", keys), "log.level");
  assert.equal(nearest("port", ["api.port", "part"]), "part");
});

Deno.test("nearest: returns undefined if no candidate is close", () => {
  assert.equal(nearest("database.url", ["api.port", "log.level"]), undefined);
  assert.equal(nearest("x", []), undefined);
});
