/**
 * The documentation lint of what the project exports: every export has its sentence.
 *
 * Two rules are left out. `private-type-ref` takes a type that one module imports from another for
 * private, which is right for a library with one entry and wrong for a program made of modules.
 * `missing-explicit-type` wants the types of schemas written down, which schemas exist to infer.
 *
 * @module
 */

import { glob } from "node:fs/promises";

const ignored = /^error\[(private-type-ref|missing-explicit-type)\]/;
const patterns = ["main.ts", "cli.ts", "lib/**/*.ts", "policies/*.ts"];

const files: string[] = [];
for (const pattern of patterns) {
  for await (const file of glob(pattern)) if (!file.endsWith("_test.ts")) files.push(file);
}
const { code, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...files],
  env: { NO_COLOR: "1" },
  stdout: "null",
  stderr: "piped",
}).output();
const report = new TextDecoder().decode(stderr);
if (code !== 0 && !report.includes("error[")) {
  console.error(report);
  Deno.exit(1);
}
const problems = report
  .split(/^(?=error\[)/m)
  .filter((problem) => problem.startsWith("error[") && !ignored.test(problem))
  .map((problem) => problem.trim().split("\n").slice(0, 4).join("\n"))
  .filter((problem) => !problem.includes("/.cache/"));
if (problems.length > 0) {
  console.error(problems.join("\n\n"));
  console.error(`${problems.length} documentation problems in ${files.length} files`);
  Deno.exit(1);
}
console.log(`${files.length} files documented`);
