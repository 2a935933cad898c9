import assert from "node:assert/strict";
import { allowedAreas, mayStay } from "./locality.ts";

Deno.test("without a wish a request may go anywhere", () => {
  assert.equal(allowedAreas(["any", "any"], "ROME"), undefined);
});

Deno.test("every wish is met", () => {
  assert.deepEqual(allowedAreas(["area"], "ROME"), ["ROME"]);
  assert.deepEqual(allowedAreas(["any", ["ROME", "MILAN"]], "ROME"), ["ROME", "MILAN"]);
  assert.deepEqual(allowedAreas([["MILAN"], "area"], "ROME"), []);
  assert.deepEqual(allowedAreas(["node", ["ROME"]], "ROME"), []);
});

Deno.test("a list of areas binds the node at which it arrives as well", () => {
  assert(mayStay(["node", "area", "any"], "ROME"));
  assert(!mayStay(["any", ["MILAN"]], "ROME"));
});
