import assert from "node:assert/strict";
import { formatTable, summarize } from "./results.ts";

Deno.test("a summary keeps the digits that are worth telling", () => {
  assert.deepEqual(summarize("rate", "1/s", [12345.678, 0.123456, 99999]), {
    name: "rate",
    unit: "1/s",
    median: 12350,
    min: 0.1235,
    max: 100000,
  });
});

Deno.test("the table lines names and figures up", () => {
  const table = formatTable([summarize("a", "ms", [1]), summarize("longer", "1/s", [1000])]);
  assert.deepEqual(table.split("\n"), [
    "metric  unit  median   min   max",
    "------  ----  ------  ----  ----",
    "a       ms         1     1     1",
    "longer  1/s     1000  1000  1000",
  ]);
});
