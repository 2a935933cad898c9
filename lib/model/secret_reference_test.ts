import assert from "node:assert/strict";
import { ServerledgeError } from "../base/errors.ts";
import { readDefinition } from "./function.ts";
import { parseSecretReference } from "./secret_reference.ts";

Deno.test("parseSecretReference: reads variables and files, and nothing else", () => {
  assert.deepEqual(parseSecretReference("A_1"), { secret: "A_1", variable: "A_1" });
  assert.deepEqual(parseSecretReference("a-b=X"), { secret: "a-b", variable: "X" });
  assert.deepEqual(parseSecretReference("t=/run/secrets/t.pem"), { secret: "t", file: "t.pem" });
  const bad = ["", "a-b", "=X", "A=", "A=/etc/passwd", "A=/run/secrets/", "A=/run/secrets/../x"];
  for (const text of [...bad, "A=/run/secrets/a/b", "A=/run/secrets/.x", "A=1X", "../A=X"]) {
    assert.equal(parseSecretReference(text), undefined, text);
  }
});

Deno.test("readDefinition: refuses secrets whose targets clash", () => {
  const read = (Secrets: unknown, Env = {}) =>
    readDefinition({ Name: "f", Runtime: "python", Secrets, Env });
  assert.deepEqual(read(["A", "b=/run/secrets/b"]).secrets, ["A", "b=/run/secrets/b"]);
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof ServerledgeError && error.code === "UNPROCESSABLE" &&
    error.details?.path === "Secrets" && message.test(error.message);
  assert.throws(() => read(["a-b"]), refused(/"a-b" is not NAME/));
  assert.throws(() => read(["A", "B=A"]), refused(/same target "A"/));
  assert.throws(() => read(["A"], { A: "1" }), refused(/A is also in Env/));
  assert.throws(() => read(["A=SERVERLEDGE_SOCKET"]), refused(/variable of the node/));
  assert.throws(() => read(Array.from({ length: 33 }, (_, i) => `A${i}`)), refused(/0 to 32/));
});
