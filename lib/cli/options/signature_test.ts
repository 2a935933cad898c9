import assert from "node:assert/strict";
import { ServerledgeError } from "../../base/errors.ts";
import { exits } from "../exits.ts";
import { readSignature } from "./signature.ts";

Deno.test("readSignature: entries are repeated or separated by commas", () => {
  assert.deepEqual(readSignature(["n:Int,name:Text", "list:ArrayArrayInt"]), [
    { Name: "n", Type: "Int" },
    { Name: "name", Type: "Text" },
    { Name: "list", Type: "ArrayArrayInt" },
  ]);
  assert.deepEqual(readSignature([]), []);
});

Deno.test("readSignature: an invalid entry is refused with its own exit status", () => {
  for (const entry of ["n", "n:", ":Int", "n:int", "n:Int:x", ""]) {
    assert.throws(
      () => readSignature([entry]),
      (error) => error instanceof ServerledgeError && error.details?.exit === exits.signature,
    );
  }
});
