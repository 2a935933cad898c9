import assert from "node:assert/strict";
import { flag, option } from "@optique/core/primitives";
import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { string } from "@optique/core/valueparser";
import { optionNames, respellGo } from "./go_spelling.ts";

const names = optionNames(
  object({
    fun: optional(option("-f", "--function", string())),
    params: multiple(option("-p", "--param", string())),
    async: optional(flag("-a", "--async")),
    output: optional(flag("-o")),
  }).usage,
);

const respell = (...args: string[]) => respellGo(args, names);

Deno.test("optionNames: finds the options in a parser's usage", () => {
  assert.deepEqual([...names.withValue].sort(), ["--function", "--param", "-f", "-p"]);
  assert.deepEqual([...names.flags].sort(), ["--async", "-a", "-o"]);
});

Deno.test("respellGo: splits off attached values", () => {
  assert.deepEqual(respell("-fhello"), ["-f", "hello"]);
  assert.deepEqual(respell("-f=hello", "-pn:1=2"), ["-f", "hello", "-p", "n:1=2"]);
  assert.deepEqual(respell("-aofhello"), ["-a", "-o", "-f", "hello"]);
  assert.deepEqual(respell("-af", "hello"), ["-a", "-f", "hello"]);
});

Deno.test("respellGo: keeps values, long options and unknown options", () => {
  assert.deepEqual(respell("-p", "-fx", "--function", "-ab"), ["-p", "-fx", "--function", "-ab"]);
  assert.deepEqual(respell("--function=x", "-zf", "-", "-1"), ["--function=x", "-zf", "-", "-1"]);
  assert.deepEqual(respell("-a", "--", "-fx"), ["-a", "--", "-fx"]);
  assert.deepEqual(respell("-f"), ["-f"]);
});

Deno.test("respellGo: an option without a value may be set to true or false, in Go's spellings", () => {
  for (const yes of ["1", "t", "T", "true", "TRUE", "True"]) {
    assert.deepEqual(respell(`--async=${yes}`, `-o=${yes}`, "x"), ["--async", "-o", "x"]);
  }
  for (const no of ["0", "f", "F", "false", "FALSE", "False"]) {
    assert.deepEqual(respell(`--async=${no}`, `-o=${no}`, "x"), ["x"]);
  }
  assert.deepEqual(respell("-oa=false", "-oa=true"), ["-o", "-o", "-a"]);
});

Deno.test("respellGo: keeps other values, values of options, and arguments after --", () => {
  const others = ["--async=yes", "--async=", "-a=yes", "-oa=", "--unknown=true", "-z=true"];
  assert.deepEqual(respell(...others), others);
  assert.deepEqual(respell("--function=true", "-p", "--async=true"), [
    "--function=true",
    "-p",
    "--async=true",
  ]);
  assert.deepEqual(respell("--", "--async=true"), ["--", "--async=true"]);
});

Deno.test("respellGo: a name that is both a flag and an option with a value takes a value", () => {
  const both = { withValue: new Set(["--json"]), flags: new Set(["--json"]) };
  assert.deepEqual(respellGo(["--json=true"], both), ["--json=true"]);
});
