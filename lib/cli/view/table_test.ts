import assert from "node:assert/strict";
import { formatBytes, formatDuration, formatFields, formatTable } from "./table.ts";

Deno.test("formatTable: columns are as wide as their widest cell, and numbers are right-aligned", () => {
  assert.equal(
    formatTable(["NAME", ">N", "NOTE"], [["a", "1", ""], ["longer", "100", "x"]]),
    "NAME      N  NOTE\na         1\nlonger  100  x",
  );
});

Deno.test("formatFields: values are aligned", () => {
  assert.equal(formatFields([["a", "1"], ["long", "2"]]), "a     1\nlong  2");
});

Deno.test("formatBytes, formatDuration: choose the unit by the magnitude", () => {
  assert.deepEqual([0, 1023, 1024, 20 * 1024 ** 2, 5 * 1024 ** 4].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "20.0 MiB",
    "5120.0 GiB",
  ]);
  assert.deepEqual([0, 0.00042, 0.25, 1.5, 59.9, 60, 3725, 90_000].map(formatDuration), [
    "0.00 ms",
    "0.42 ms",
    "250 ms",
    "1.5 s",
    "59.9 s",
    "1 min",
    "1 h 2 min",
    "1 d 1 h",
  ]);
});
