import assert from "node:assert/strict";
import { reasonOf } from "./fence.ts";

Deno.test("reasonOf: only an answer of the kernel is reported as one", () => {
  assert.match(reasonOf(1, "/run/x"), /^the kernel does not let/);
  assert.match(reasonOf(95, "/run/x"), /^the kernel rejects the firewall table with error 95/);
  assert.match(
    reasonOf(200, "/run/x"),
    /^the fence's program cannot create its socket in \/run\/x/,
  );
  assert.match(reasonOf(201, "/run/x"), /^the fence's program cannot read its files in \/run\/x/);
  assert.match(reasonOf(202, "/run/x"), /shorten container\.reach/);
});
