import assert from "node:assert/strict";
import { findDuplicates } from "./duplicates.ts";

const logic = `
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  if (at < whole.length) throw new Error("too short");
  log.info("Joined", { at });
  return whole;
`;

const find = (files: Record<string, string>) => findDuplicates(new Map(Object.entries(files)));

Deno.test("findDuplicates: names both places of the same lines, and how many they share", () => {
  assert.deepEqual(find({ "a.ts": `// first\n${logic}`, "b.ts": `const x = 1;\n\n${logic}` }), [
    { first: { file: "a.ts", line: 3 }, second: { file: "b.ts", line: 4 }, lines: 7 },
  ]);
});

Deno.test("findDuplicates: sees through comments, blank lines and indentation", () => {
  const other = logic.replace(/^ +/gm, "\t").replace(
    "let at = 0;",
    "let at = 0;\n\n// from here\n",
  );
  assert.equal(find({ "a.ts": logic, "b.ts": other }).length, 1);
});

Deno.test("findDuplicates: finds lines that one file has twice", () => {
  const [found] = find({ "a.ts": `${logic}\nfunction again() {\n${logic}\n}` });
  assert.equal(found?.lines, 7);
});

Deno.test("findDuplicates: passes over shorter runs, other names, imports and lists of values", () => {
  const short = logic.split("\n").slice(0, 6).join("\n");
  const renamed = logic.replaceAll("at", "offset");
  assert.deepEqual(find({ "a.ts": logic, "b.ts": short, "c.ts": renamed }), []);
  const names = ["one", "two", "three", "four", "five", "six", "seven"];
  const imported = `import {\n${names.map((name) => `  ${name},\n`).join("")}} from "./all.ts";\n`;
  const record = `const all = {\n${names.map((name) => `  ${name}: 1,\n`).join("")}};\n`;
  assert.deepEqual(find({ "a.ts": imported + record, "b.ts": imported + record }), []);
});
