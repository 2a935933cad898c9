import assert from "node:assert/strict";
import { digits, formatCsv, formatMarkdown, pointOf } from "./report.ts";

Deno.test("a table as CSV has six digits, empty cells and quotes where needed", () => {
  assert.equal(
    formatCsv(["a", "b"], [[1 / 3, undefined], ['x,"y"', 0]]),
    'a,b\n0.333333,\n"x,""y""",0\n',
  );
});

Deno.test("a table as Markdown has its numbers at the right", () => {
  assert.deepEqual(formatMarkdown(["name", "ms"], [["a", 1234.5], ["b", undefined]]).split("\n"), [
    "| name | ms |",
    "| --- | ---: |",
    "| a | 1,235 |",
    "| b | - |",
  ]);
});

Deno.test("numbers have the digits that matter", () => {
  assert.deepEqual([0, 0.12345, 12.34, 123.4, 12345.6].map(digits), [
    "0",
    "0.123",
    "12.3",
    "123",
    "12,346",
  ]);
});

Deno.test("a measure is a point with its spread, as far as it is known", () => {
  assert.deepEqual(pointOf(4, { mid: 2, low: 1, high: 3 }), { x: 4, y: 2, low: 1, high: 3 });
  assert.deepEqual(pointOf(4, { mid: undefined, low: undefined, high: undefined }), {
    x: 4,
    y: undefined,
  });
});
