import assert from "node:assert/strict";
import { imageTable, prunedText } from "./images.ts";

Deno.test("images show who needs them and whether they are there", () => {
  const table = imageTable([
    {
      Image: "node:22-slim",
      Runtimes: ["nodejs"],
      Functions: [],
      Present: false,
      Size: null,
      Architecture: null,
      Pulled: false,
    },
    {
      Image: "python:3-slim",
      Runtimes: ["python"],
      Functions: ["a", "b", "c"],
      Present: true,
      Size: 3 << 20,
      Architecture: "arm64",
      Pulled: true,
    },
    {
      Image: "old:1",
      Runtimes: [],
      Functions: [],
      Present: true,
      Size: 1024,
      Architecture: "amd64",
      Pulled: false,
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

Deno.test("a pruning says what it did, what it would do, and what it left", () => {
  const Removed = [{ Image: "old:1", Size: 1024 }];
  const Kept = [{ Image: "busy:1", Reason: "a container is made of it" }];
  assert.equal(
    prunedText({ DryRun: true, Removed, Kept }),
    "Would remove old:1 (1.0 KiB)\nKept busy:1: a container is made of it",
  );
  assert.equal(prunedText({ DryRun: false, Removed, Kept: [] }), "Removed old:1 (1.0 KiB)");
  assert.equal(prunedText({ DryRun: false, Removed: [], Kept: [] }), "Nothing to remove");
});
