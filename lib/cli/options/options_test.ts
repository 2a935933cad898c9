import assert from "node:assert/strict";
import { merge } from "@optique/core/constructs";
import { parse } from "@optique/core/parser";
import { configOptions, functionName, functionOption, globalOptions, oneOf } from "./options.ts";

const parser = merge(globalOptions, functionOption);

function read(...args: string[]) {
  const result = parse(parser, args);
  assert(result.success, args.join(" "));
  return result.value;
}

Deno.test("functionName: reads the name from the flag, the position, or both if they are equal", () => {
  for (const args of [["-f", "hello"], ["hello"], ["--function", "hello", "hello"]]) {
    assert.equal(functionName(read(...args), "invoke"), "hello");
  }
});

Deno.test("functionName: a missing name is refused with an example of the command", () => {
  assert.throws(() => functionName(read(), "invoke"), {
    code: "INVALID_REQUEST",
    message: "Name the function: serverledge invoke NAME",
  });
});

Deno.test("oneOf: two different values are refused, and the error names both", () => {
  const what = "the invocation: serverledge poll ID";
  assert.throws(() => oneOf("a", "b", what), {
    code: "INVALID_REQUEST",
    message: '"a" and "b" are both given as names: give one, serverledge poll ID',
  });
  assert.equal(oneOf(undefined, "b", what), "b");
});

Deno.test("globalOptions: are read before and after other options, and the port has a range", () => {
  const { host, port, json } = read("-H", "10.0.0.7", "hello", "-P", "0", "--json");
  assert.deepEqual([host, port, json], ["10.0.0.7", 0, true]);
  assert.equal(parse(parser, ["-P", "65536"]).success, false);
  assert.equal(parse(parser, ["-P", "http"]).success, false);
});

Deno.test("configOptions: settings keep their order, and the file is given by position or flag", () => {
  const result = parse(configOptions, [
    "node.yaml",
    "--set",
    "a=1",
    "--area",
    "EDGE",
    "--set",
    "a=2",
  ]);
  assert(result.success);
  assert.deepEqual(result.value, {
    file: "node.yaml",
    config: undefined,
    listen: undefined,
    area: "EDGE",
    set: ["a=1", "a=2"],
  });
});
