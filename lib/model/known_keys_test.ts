import assert from "node:assert/strict";
import * as v from "valibot";
import { parse } from "../json/json.ts";
import { knownKeys } from "./known_keys.ts";

const schema = knownKeys({ memory: v.optional(v.number()), size: v.number() });

Deno.test("knownKeys: a misspelt key is reported with the likely one", () => {
  const message = (value: unknown) => {
    try {
      return parse(schema, value);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(message({ size: 1, memori: 2 }), "memori: unknown key; did you mean memory?");
  assert.equal(message({ size: 1, colour: 2 }), "colour: unknown key");
  assert.equal(message({}), "size: is required");
  assert.match(String(message("x")), /Expected Object/);
  assert.deepEqual(message({ size: 1 }), { size: 1 });
});
