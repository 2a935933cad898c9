import assert from "node:assert/strict";
import { allowedAreas, inheritedLocality, mayStay } from "./locality.ts";

Deno.test("allowedAreas: without a restriction, a request may run anywhere", () => {
  assert.equal(allowedAreas(["any", "any"], "ROME"), undefined);
});

Deno.test("allowedAreas: all restrictions apply", () => {
  assert.deepEqual(allowedAreas(["area"], "ROME"), ["ROME"]);
  assert.deepEqual(allowedAreas(["any", ["ROME", "MILAN"]], "ROME"), ["ROME", "MILAN"]);
  assert.deepEqual(allowedAreas([["MILAN"], "area"], "ROME"), []);
  assert.deepEqual(allowedAreas(["node", ["ROME"]], "ROME"), []);
});

Deno.test("mayStay: a list of areas also applies to the node at which a request arrives", () => {
  assert(mayStay(["node", "area", "any"], "ROME"));
  assert(!mayStay(["any", ["MILAN"]], "ROME"));
});

Deno.test("inheritedLocality: the strictest of all localities", () => {
  assert.equal(inheritedLocality(["any", "any"], "ROME"), "any");
  assert.deepEqual(inheritedLocality(["area", "any"], "ROME"), ["ROME"]);
  assert.deepEqual(inheritedLocality([["ROME", "MILAN"], ["MILAN", "PARIS"]], "ROME"), ["MILAN"]);
  assert.equal(inheritedLocality(["area", "node"], "ROME"), "node");
});
