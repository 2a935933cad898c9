import assert from "node:assert/strict";
import { CodeProblem } from "./problem.ts";
import { applyEdits, lineOf, literalText, readSource, type Source, walk } from "./syntax.ts";

/** Removes `: number`; the real one is tested with `prepareModules`. */
const stripTypes = (code: string) => code.replaceAll(": number", "");

function read(code: string, path = "main.js"): Source {
  return readSource(path, new TextEncoder().encode(code), stripTypes);
}

function problem(code: string, path?: string): CodeProblem {
  try {
    read(code, path);
  } catch (error) {
    assert(error instanceof CodeProblem, String(error));
    return error;
  }
  assert.fail("it was parsed");
}

Deno.test("readSource: removes types from TypeScript only", () => {
  assert.equal(read("const a: number = 1;", "a.mts").code, "const a = 1;");
  assert.match(problem("const a: number = 1;").message, /Unexpected token/);
});

Deno.test("readSource: a syntax error names file and line", () => {
  const { message } = problem("let a;\nlet b = ;\n");
  assert.match(message, /main\.js/);
  assert.match(message, /2/);
});

Deno.test("readSource: an interpreter line becomes a comment", () => {
  assert.equal(read("#!/usr/bin/env node\n1").code, "///usr/bin/env node\n1");
});

Deno.test("readSource: deeply nested code is refused, not a crash", () => {
  assert.match(problem("(".repeat(100_000)).message, /nested too deeply/);
});

Deno.test("walk: visits the nodes of deep trees without recursion", () => {
  let root = { type: "Literal", start: 0, end: 0 };
  for (let depth = 0; depth < 100_000; depth++) {
    root = { type: "ArrayExpression", start: 0, end: 0, elements: [root] } as typeof root;
  }
  let arrays = 0;
  walk(root, ({ type }) => {
    if (type === "ArrayExpression") arrays++;
  });
  assert.equal(arrays, 100_000);
});

Deno.test("literalText: strings and templates without expressions", () => {
  const texts: (string | undefined)[] = [];
  walk(read('f("a", `b`, `c${1}`, 2)').program, (node) => {
    if (node.type === "CallExpression") texts.push(...(node.arguments as []).map(literalText));
  });
  assert.deepEqual(texts, ["a", "b", undefined, undefined]);
});

Deno.test("applyEdits: sorts edits and drops those inside another", () => {
  const edits = [
    { start: 6, end: 9, text: "C" },
    { start: 0, end: 5, text: "A" },
    { start: 1, end: 2, text: "dropped" },
  ];
  assert.equal(applyEdits("aaaaa ccc!", edits), "A C!");
  assert.equal(applyEdits("unchanged", []), "unchanged");
});

Deno.test("lineOf: counts line breaks before a position", () => {
  const code = "a\nb\n\nc";
  assert.deepEqual([0, 1, 2, 4, 5].map((at) => lineOf(code, at)), [1, 1, 2, 3, 4]);
});
