import assert from "node:assert/strict";
import { flag, option } from "@optique/core/primitives";
import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { string } from "@optique/core/valueparser";
import { optionNames, splitShortOptions } from "./short_options.ts";

const names = optionNames(
  object({
    fun: optional(option("-f", "--function", string())),
    params: multiple(option("-p", "--param", string())),
    async: optional(flag("-a", "--async")),
    output: optional(flag("-o")),
  }).usage,
);

const split = (...args: string[]) => splitShortOptions(args, names);

Deno.test("the options are found in what a parser says of itself", () => {
  assert.deepEqual([...names.withValue].sort(), ["--function", "--param", "-f", "-p"]);
  assert.deepEqual([...names.flags].sort(), ["-a", "-o"]);
});

Deno.test("attached values are split off", () => {
  assert.deepEqual(split("-fhello"), ["-f", "hello"]);
  assert.deepEqual(split("-f=hello", "-pn:1=2"), ["-f", "hello", "-p", "n:1=2"]);
  assert.deepEqual(split("-aofhello"), ["-a", "-o", "-f", "hello"]);
  assert.deepEqual(split("-af", "hello"), ["-a", "-f", "hello"]);
});

Deno.test("values, long options and unknown ones stay", () => {
  assert.deepEqual(split("-p", "-fx", "--function", "-ab"), ["-p", "-fx", "--function", "-ab"]);
  assert.deepEqual(split("--function=x", "-zf", "-", "-1"), ["--function=x", "-zf", "-", "-1"]);
  assert.deepEqual(split("-a", "--", "-fx"), ["-a", "--", "-fx"]);
  assert.deepEqual(split("-f"), ["-f"]);
});
