import assert from "node:assert/strict";
import { imageTable, prunedText } from "./images.ts";

Deno.test("imageTable: shows which functions need an image, and whether it is present", () => {
  const table = imageTable([
    {
      image: "node:22-slim",
      runtimes: ["nodejs"],
      functions: [],
      present: false,
      sizeBytes: null,
      architecture: null,
      pulled: false,
    },
    {
      image: "python:3-slim",
      runtimes: ["python"],
      functions: ["a", "b", "c"],
      present: true,
      sizeBytes: 3 << 20,
      architecture: "arm64",
      pulled: true,
    },
    {
      image: "old:1",
      runtimes: [],
      functions: [],
      present: true,
      sizeBytes: 1024,
      architecture: "amd64",
      pulled: false,
    },
  ], { colour: false });
  assert.equal(
    table,
    [
      "IMAGE             SIZE  ARCH   NEEDED BY                    STATE",
      "node:22-slim         -  -      runtime nodejs               missing",
      "python:3-slim  3.0 MiB  arm64  runtime python, 3 functions  pulled",
      "old:1          1.0 KiB  amd64  nothing                      present",
    ].join("\n"),
  );
});

Deno.test("prunedText: says what was removed, would be removed, and was kept", () => {
  const removed = [{ image: "old:1", sizeBytes: 1024 }];
  const kept = [{ image: "busy:1", reason: "a container uses it" }];
  assert.equal(
    prunedText({ dryRun: true, removed, kept }),
    "Would remove old:1 (1.0 KiB)\nKept busy:1: a container uses it",
  );
  assert.equal(prunedText({ dryRun: false, removed, kept: [] }), "Removed old:1 (1.0 KiB)");
  assert.equal(prunedText({ dryRun: false, removed: [], kept: [] }), "Nothing to remove");
});
