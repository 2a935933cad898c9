import assert from "node:assert/strict";
import { readScenarioFile } from "./file.ts";

const files: Record<string, Record<string, unknown>> = {
  "a/base.yaml": { about: "base", nodes: { edge: { memory: 1, count: 5 } }, load: [1, 2] },
  "a/one.yaml": { extends: "base.yaml", about: "one", nodes: { edge: { memory: 2 } } },
  "a/two.yaml": { extends: "one.yaml", load: [3], nodes: { cloud: { memory: 9 } } },
  "a/round.yaml": { extends: "round.yaml" },
};
const read = (path: string) => Promise.resolve(files[path]!);

Deno.test("readScenarioFile: merges a file with those that it extends", async () => {
  assert.deepEqual(await readScenarioFile("a/two.yaml", read), {
    about: "one",
    nodes: { edge: { memory: 2, count: 5 }, cloud: { memory: 9 } },
    load: [3],
  });
});

Deno.test("readScenarioFile: rejects files that extend each other in a circle", async () => {
  await assert.rejects(readScenarioFile("a/round.yaml", read), { code: "INVALID_REQUEST" });
});
