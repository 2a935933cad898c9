import assert from "node:assert/strict";
import { findBroken, withoutReadme } from "./links.ts";

const paths = ["README.md", "docs/limits.md", "lib/pool/README.md", "lib/pool/pool.ts"];

function targets(file: string, text: string, others: Record<string, string> = {}): string[] {
  const texts = new Map([[file, text], ...Object.entries(others)]);
  return findBroken(texts, paths).map(({ line, target }) => `${line} ${target}`);
}

Deno.test("findBroken: accepts files, folders, headings and addresses elsewhere", () => {
  const text =
    "[a](docs/limits.md#two-words) [b](lib/pool/) [c](https://deno.com) `lib/pool/pool.ts`";
  assert.deepEqual(targets("README.md", text, { "docs/limits.md": "## Two words!\n" }), []);
});

Deno.test("findBroken: names links, headings and paths that lead nowhere, with their lines", () => {
  const text = "[a](docs/old.md)\n[b](docs/limits.md#gone)\n`lib/pool/old.ts`";
  assert.deepEqual(targets("README.md", text, { "docs/limits.md": "# Limits\n" }), [
    "1 docs/old.md",
    "2 docs/limits.md#gone",
    "3 lib/pool/old.ts",
  ]);
});

Deno.test("findBroken: READMEs of sources name files below their folder", () => {
  const text = "`pool.ts` and `lease.ts`";
  assert.deepEqual(targets("lib/pool/README.md", text), ["1 lease.ts"]);
  assert.deepEqual(targets("README.md", text), []);
});

Deno.test("findBroken: passes over blocks of code", () => {
  assert.deepEqual(targets("README.md", "```\n[a](gone.md) `lib/gone.ts`\n```\n"), []);
});

Deno.test("findBroken: READMEs of sources name files in drawings too", () => {
  const text = "```\npool.ts ──► lease.ts\n```\n```ts\nimport a from 'gone.ts';\n```\n";
  assert.deepEqual(targets("lib/pool/README.md", text), ["2 lease.ts"]);
  assert.deepEqual(targets("README.md", text), []);
});

Deno.test("withoutReadme: names modules and folders of code without one", () => {
  const others = [
    "lib/api/app.ts",
    "lib/api/routes/invoke.ts",
    "tests/real/a_test.ts",
    "docs/a.md",
  ];
  assert.deepEqual(withoutReadme([...paths, ...others]), ["lib/api", "tests"]);
});
