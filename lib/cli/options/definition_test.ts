import assert from "node:assert/strict";
import { parse } from "@optique/core/parser";
import { definitionOptions, namedFields } from "./definition.ts";
import { readLocality } from "./locality.ts";

function fields(...args: string[]) {
  const result = parse(definitionOptions, args);
  assert(result.success, args.join(" "));
  return namedFields(result.value);
}

Deno.test("namedFields: contains only fields that the command line names", () => {
  assert.deepEqual(fields("hello"), {});
  assert.deepEqual(fields("hello", "--memory", "256", "--handler", "f.g"), {
    MemoryMB: 256,
    Handler: "f.g",
  });
});

Deno.test("namedFields: options become fields of the API, whatever their spelling", () => {
  assert.deepEqual(
    fields(
      ...[
        "--runtime",
        "wasm",
        "--cpu",
        "0.5",
        "-C",
        "4",
        "--timeout",
        "1500",
        "--network",
        "bridge",
      ],
      ...[
        "--stateful",
        "--http",
        "stdio",
        "--min_instances",
        "2",
        "--invokes",
        "a,b-*",
        "--invokes",
        "c",
        "--custom_image",
        "me/mine",
      ],
    ),
    {
      Runtime: "wasm",
      CPUDemand: 0.5,
      MaxConcurrency: 4,
      TimeoutMs: 1500,
      Network: "bridge",
      Stateful: true,
      Http: "stdio",
      Invokes: ["a", "b-*", "c"],
      MinInstances: 2,
      CustomImage: "me/mine",
    },
  );
});

Deno.test("namedFields: a variable is split at its first equals sign, and may be empty", () => {
  assert.deepEqual(fields("--env", "A=1=2", "--env", "B=").Env, { A: "1=2", B: "" });
  for (const bad of ["A", "=1", ""]) {
    assert.throws(() => fields("--env", bad), {
      code: "INVALID_REQUEST",
      message: `"${bad}" is not an environment variable: use --env NAME=VALUE`,
    });
  }
});

Deno.test("namedFields: a signature contains both sides if either is named", () => {
  assert.deepEqual(fields("-i", "a:Int,b:Text", "-i", "c:Bool").Signature, {
    Inputs: [
      { Name: "a", Type: "Int" },
      { Name: "b", Type: "Text" },
      { Name: "c", Type: "Bool" },
    ],
    Outputs: [],
  });
});

Deno.test("readLocality: reads a keyword or the names of areas", () => {
  assert.deepEqual(["any", "area", "node"].map(readLocality), ["any", "area", "node"]);
  assert.deepEqual(readLocality(" ROME, MILAN,"), ["ROME", "MILAN"]);
  assert.deepEqual(fields("--locality", "ROME,MILAN").Locality, ["ROME", "MILAN"]);
});
