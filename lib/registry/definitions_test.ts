import assert from "node:assert/strict";
import { ServerledgeError } from "../base/errors.ts";
import { resolveConfig } from "../config/config.ts";
import { type Definition, readDefinition } from "../model/function.ts";
import { checkDefinition } from "./definitions.ts";

const { config } = resolveConfig([]);

function definition(more: Partial<Definition> = {}): Definition {
  const read = readDefinition({ Name: "f", Runtime: "python", Handler: "f.handler" });
  return { ...read, code: "code", ...more };
}

/** Code, path and message of the error that a definition causes. */
function refusal(more: Partial<Definition>, hasCode?: boolean): string {
  try {
    checkDefinition(definition(more), config, hasCode);
    return "accepted";
  } catch (error) {
    assert(error instanceof ServerledgeError);
    const { code, message, details } = error;
    assert(message.startsWith(`${details?.path}: `), message);
    return `${code} ${message}`;
  }
}

Deno.test("checkDefinition: returns the runtime that a definition names, also by an alias", () => {
  assert.equal(checkDefinition(definition(), config).id, "python");
  assert.equal(
    checkDefinition(definition({ runtime: "nodejs17ng", handler: "f" }), config).id,
    "nodejs",
  );
});

Deno.test("checkDefinition: an unknown runtime is refused with the list of known ones", () => {
  const text = refusal({ runtime: "cobol" });
  assert.match(
    text,
    /^RUNTIME_UNKNOWN Runtime: "cobol" is unknown; known runtimes are .*python.*wasm/,
  );
});

Deno.test("checkDefinition: an alias without a configured image is refused with the key to set", () => {
  assert.match(
    refusal({ runtime: "python312ml" }),
    /^RUNTIME_UNKNOWN .*set runtimes\.python312ml\.image/,
  );
});

Deno.test("checkDefinition: a runtime that runs code requires code, unless the function has some", () => {
  assert.match(refusal({ code: "" }), /^UNPROCESSABLE TarFunctionCode: .*python needs code/);
  assert.equal(refusal({ code: "" }, true), "accepted");
  assert.equal(refusal({ code: "", runtime: "custom", customImage: "me/mine" }), "accepted");
});

Deno.test("checkDefinition: a handler that the runtime cannot call is refused", () => {
  assert.match(refusal({ handler: "no module" }), /^UNPROCESSABLE Handler: "no module"/);
  assert.equal(refusal({ handler: "src/my-app.handler" }), "accepted");
});

Deno.test("checkDefinition: image names are checked against the OCI grammar of references", () => {
  const image = (customImage: string) => refusal({ runtime: "custom", customImage });
  const digest = `sha256:${"a".repeat(64)}`;
  for (
    const name of [
      "ubuntu",
      "me/mine:1.0",
      "registry.local:5000/a/b-c/d__e:latest",
      `ghcr.io/me/mine@${digest}`,
      "[::1]:5000/mine",
    ]
  ) assert.equal(image(name), "accepted", name);
  for (const name of ["me/Mine", "a b", "-x", "a//b", "a:tag:tag", "../x", "a".repeat(513)]) {
    assert.match(image(name), /^UNPROCESSABLE CustomImage: .*is not the name of an image/, name);
  }
  assert.match(image(""), /^UNPROCESSABLE CustomImage: the runtime custom needs a container image/);
});

Deno.test("checkDefinition: options of some runtimes are refused for others, with the names of those", () => {
  assert.match(refusal({ stateful: true }), /^UNPROCESSABLE Stateful: only modules .* wasm/);
  assert.match(
    refusal({ http: "stdio" }),
    /^UNPROCESSABLE Http: only commands .* (wasm.*binary|binary.*wasm)/,
  );
  assert.equal(refusal({ runtime: "wasm", handler: "f", http: "cgi", stateful: true }), "accepted");
  assert.match(
    refusal({ runtime: "binary", handler: "f", http: "cgi" }),
    /^UNPROCESSABLE Http: .*wasm/,
  );
});
