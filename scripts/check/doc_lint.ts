/**
 * The documentation lint of what the project exports: every export has its sentence.
 *
 * Two rules are left out. `private-type-ref` takes a type that one module imports from another for
 * private, which is right for a library with one entry and wrong for a program made of modules.
 * `missing-explicit-type` wants the types of schemas written down, which schemas exist to infer.
 * Members of a documented declaration need no comment where name and type say it all, or where they
 * implement a documented interface.
 *
 * @module
 */

import { projectFiles, root } from "../project.ts";

const ignored = /^error\[(private-type-ref|missing-explicit-type)\]/;
/** A missing comment on a member: the reported line is indented. */
const member = /^error\[missing-jsdoc\][^]*?^ *\d+ \| {2}/m;
const files = (await projectFiles(["main.ts", "cli.ts", "lib", "policies"]))
  .filter((file) => !file.endsWith("_test.ts"));
const { code, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...files],
  cwd: root,
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
  .filter((problem) =>
    problem.startsWith("error[") && !ignored.test(problem) && !member.test(problem)
  )
  .map((problem) => problem.trim().split("\n").slice(0, 4).join("\n"))
  .filter((problem) => !problem.includes("/.cache/"));
if (problems.length > 0) {
  console.error(problems.join("\n\n"));
  console.error(`${problems.length} documentation problems in ${files.length} files`);
  Deno.exit(1);
}
console.log(`${files.length} files documented`);
