import assert from "node:assert/strict";
import { object } from "@optique/core/constructs";
import { parse } from "@optique/core/parser";
import { choice } from "@optique/core/valueparser";
import {
  argumentOf,
  decimal,
  flagOf,
  optionOf,
  optionsOf,
  optionWith,
  text,
  whole,
} from "./parts.ts";

const parser = object({
  name: argumentOf("NAME", text, "Its name"),
  rate: optionOf("-r --rate PER_S", decimal, "How often"),
  count: optionWith("-n --count N", whole, "How many", 3),
  mode: optionOf("--mode", choice(["fast", "slow"]), "How"),
  tags: optionsOf("--tag TAG", text, "Tags"),
  quiet: flagOf("-q --quiet", "Without output"),
});

function read(...args: string[]) {
  const result = parse(parser, args);
  return result.success ? result.value : undefined;
}

Deno.test("options: an absent option is undefined, empty, or has the given default", () => {
  assert.deepEqual(read("hello"), {
    name: "hello",
    rate: undefined,
    count: 3,
    mode: undefined,
    tags: [],
    quiet: undefined,
  });
});

Deno.test("options: each of the names is read, and its value by kind", () => {
  for (const [rate, count, quiet] of [["-r", "-n", "-q"], ["--rate", "--count", "--quiet"]]) {
    const value = read("hello", rate!, "0.5", count!, "7", quiet!, "--mode", "slow");
    assert.deepEqual([value?.rate, value?.count, value?.quiet, value?.mode], [
      0.5,
      7,
      true,
      "slow",
    ]);
  }
});

Deno.test("options: a repeated option keeps all values in order", () => {
  assert.deepEqual(read("a", "--tag", "x", "--tag=y")?.tags, ["x", "y"]);
});

Deno.test("options: a value of another kind, or a missing argument, is refused", () => {
  for (const args of [["a", "--count", "1.5"], ["a", "--mode", "medium"], ["a", "--rate"], []]) {
    assert.equal(read(...args), undefined, args.join(" "));
  }
});

Deno.test("options: usage contains the names and the metavariable", () => {
  const { usage } = optionOf("-r --rate PER_S", decimal, "How often");
  assert.deepEqual(usage, [{
    type: "optional",
    terms: [{ type: "option", names: ["-r", "--rate"], metavar: "PER_S" }],
  }]);
});
