import assert from "node:assert/strict";
import { type Definition, findProblems } from "./doc_lint.ts";

/** A member as `deno doc --json` describes it. It counts lines and columns from 0, the lint from 1. */
const member = (name: string, line: number) => ({
  name,
  location: { filename: "file:///p/a.ts", line: line - 1, col: 2 },
});

/** A declaration as `deno doc --json` describes it. */
const symbol = (name: string, kind: string, def: Definition) => ({
  name,
  declarations: [{ kind, def }],
});

/** The lines, of those reported as lacking a comment, that count as problems. */
function find(lines: readonly number[], ...symbols: ReturnType<typeof symbol>[]): number[] {
  const report = lines.map((line) =>
    "error[missing-jsdoc]: exported symbol is missing JSDoc documentation\n" +
    `  --> /p/a.ts:${line}:3\n   | \n${line} |   member\n   |   ^\n\n`
  ).join("");
  return findProblems(report, { "file:///p/a.ts": { symbols } })
    .map((problem) => Number(/a\.ts:(\d+)/.exec(problem)?.[1]));
}

Deno.test("findProblems: members of a class need a comment, constructors included", () => {
  const members = { methods: [member("run", 3)], properties: [member("id", 4)] };
  assert.deepEqual(find([2, 3, 4], symbol("A", "class", members)), [2, 3, 4]);
});

Deno.test("findProblems: members of interfaces and type literals need no comment", () => {
  const literal = { tsType: { kind: "typeLiteral", value: { properties: [member("id", 6)] } } };
  assert.deepEqual(
    find(
      [3, 4, 6, 7],
      symbol("A", "interface", { methods: [member("run", 3)], properties: [member("id", 4)] }),
      symbol("B", "typeAlias", literal as Definition),
    ),
    [7],
  );
});

Deno.test("findProblems: members that a class inherits need no comment, its others do", () => {
  const contract = symbol("Contract", "interface", {
    methods: [member("run", 2)],
    extends: [{ repr: "Disposable" }],
  });
  const base = symbol("Base", "class", {
    properties: [member("id", 4)],
    implements: [{ repr: "Contract" }],
  });
  const derived = symbol("Derived", "class", {
    methods: [member("run", 12), member("stop", 13), member("[Symbol.dispose]", 14)],
    properties: [member("id", 15)],
    extends: "Base",
  });
  // Line 11 is the constructor.
  assert.deepEqual(find([11, 12, 13, 14, 15], contract, base, derived), [11, 13]);
});

Deno.test("findProblems: ignores types imported from other modules, reports all other rules", () => {
  const report = [
    "error[private-type-ref]: public type 'A' references private type 'B'\n  --> /p/a.ts:1:1\n",
    "error[missing-return-type]: exported function is missing an explicit return type\n" +
    "  --> /p/a.ts:2:1\n",
  ].join("\n");
  assert.deepEqual(findProblems(report, {}), [
    "error[missing-return-type]: exported function is missing an explicit return type\n" +
    "  --> /p/a.ts:2:1",
  ]);
});
