import assert from "node:assert/strict";
import type { Kind } from "./kind.ts";
import { handlerHelp, kinds, runtimeIds } from "./kinds.ts";

Deno.test("kinds: help texts name every runtime, and handlers by their form", () => {
  assert.equal(runtimeIds(), Object.values<Kind>(kinds).map(({ runtime }) => runtime).join(", "));
  assert.match(handlerHelp(), /^Handler: module\.function .*\(python\), .*\(deno, wasm\)/);
});

Deno.test("kinds: aliases and file names of executors belong to one kind each", () => {
  const all = Object.values<Kind>(kinds);
  const names = all.flatMap(({ runtime, aliases = [], imageAliases = [] }) => [
    runtime,
    ...aliases,
    ...imageAliases,
  ]);
  assert.equal(new Set(names).size, names.length);
  const files = all.flatMap((kind) => kind.place === "container" ? [kind.program.file] : []);
  assert.equal(new Set(files).size, files.length);
});

Deno.test("kinds: handler grammars accept only handlers of their forms", () => {
  const accepts = (name: "python" | "nodejs" | "deno", handler: string) =>
    (kinds[name] as Kind).handler!.accepts!(handler);
  assert.ok(accepts("python", "src/my-app.handler"));
  assert.ok(!accepts("python", "handler"));
  for (const name of ["nodejs", "deno"] as const) {
    assert.ok(accepts(name, "./lib/index.handler"));
    for (const bad of ["", "../x", "a//b", "a\\b", "a\0"]) assert.ok(!accepts(name, bad), bad);
  }
});
