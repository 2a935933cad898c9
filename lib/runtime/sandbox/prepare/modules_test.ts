import assert from "node:assert/strict";
import { stripTypes } from "../../../base/strip_types.ts";
import { type Prepared, prepareModules } from "./modules.ts";
import { CodeProblem } from "./problem.ts";

function prepare(files: Record<string, string>, handler = "main.ts"): Prepared {
  const encoder = new TextEncoder();
  const entries = Object.entries(files).map(([path, text]) =>
    [path, encoder.encode(text)] as const
  );
  return prepareModules(new Map(entries), handler, stripTypes);
}

function problem(files: Record<string, string>, handler?: string): string {
  try {
    prepare(files, handler);
  } catch (error) {
    assert.ok(error instanceof CodeProblem, String(error));
    return error.message;
  }
  assert.fail("it was prepared");
}

Deno.test("prepareModules: types are removed, lines and columns do not change", () => {
  const { files, entry } = prepare({
    "main.ts": "interface A { b: number }\nexport default (a: A) => a.b;",
  });
  assert.equal(entry, "app/main.ts.js");
  const lines = files.get(entry)!.split("\n");
  assert.match(lines[0]!, /^ +$/);
  assert.equal(lines[1], "export default (a   ) => a.b;");
});

Deno.test("prepareModules: enums are translated", () => {
  const { files, entry } = prepare({ "main.ts": "enum A { B = 3 }\nexport default () => A.B;" });
  assert.doesNotMatch(files.get(entry)!, /enum/);
});

Deno.test("prepareModules: a handler names a file, with or without extension and export", () => {
  const files = { "main.ts": "export default 1", "dir/a.b.js": "export const c = 1" };
  for (const name of ["main.ts", "main", "./main", "main.js"]) {
    const { entry, exportName } = prepare(files, name);
    assert.deepEqual([entry, exportName], ["app/main.ts.js", ""], name);
  }
  assert.equal(prepare(files, "main.run").exportName, "run");
  assert.equal(prepare(files, "dir/a.b.c").exportName, "c");
  assert.match(problem(files, "other.run"), /no such code file; its code files are main\.ts, dir/);
});

Deno.test("prepareModules: all forms of imports become imports of prepared files", () => {
  const { files, entry } = prepare({
    "main.ts": [
      'import { a } from "./lib/a";',
      'export { b } from "./lib/b.js"; export * from "./lib/c.mjs"',
      'import data from "./data.json" with { type: "json" };',
      'import text from "./note.md" with { type: "text" };',
      'import { inspect } from "node:util"; import process from "process";',
      'export default async () => [await import("./lib/a.ts"), import(`./data.json`)];',
    ].join("\n"),
    "lib/a.ts": "export const a: number = 1;",
    "lib/b.ts": "export const b = 1;",
    "lib/c.mjs": "export const c = 1;",
    "data.json": '{"x": 1}',
    "note.md": "# note",
  });
  const lines = files.get(entry)!.split("\n");
  assert.deepEqual(lines, [
    'import { a } from "./lib/a.ts.js";',
    'export { b } from "./lib/b.ts.js"; export * from "./lib/c.mjs.js";',
    'import data from "../json/data.json.js";',
    'import text from "../text/note.md.js";',
    'import { inspect } from "node:util"; import process from "../process.js";',
    'export default async () => [await import("./lib/a.ts.js"), import("../json/data.json.js")];',
  ]);
  assert.equal(files.get("text/note.md.js"), 'export default "# note"');
});

Deno.test("prepareModules: no unrestricted import() remains", () => {
  const { files, entry } = prepare({
    "main.js": "export default (x) => import(/* why */ (x), { with: { type: import(x) } });",
    "other.js": "export default 1;",
    "broken.js": "export default (;",
  }, "main");
  const code = files.get(entry)!;
  assert.match(code, /^import\{dynamic as \$dynamic\}from"\.\.\/runtime\.js";/);
  assert.doesNotMatch(code, /import\(/);
  assert.match(
    files.get("runtime.js")!,
    /\["other\.js",\(\)=>import\("\.\/app\/other\.js\.js"\)\]/,
  );
  assert.match(files.get("app/broken.js.js")!, /^throw new SyntaxError\("broken\.js:1: /);
});

Deno.test("prepareModules: names of helpers are unused in the code, and import.meta reveals no path", () => {
  const { files, entry } = prepare({
    "main.js": "const $meta = 1; export default () => import.meta.url + $meta;",
  }, "main");
  assert.match(
    files.get(entry)!,
    /const \$meta_\$=\$meta_\("main\.js"\);const \$meta = 1; .* \$meta_\$\.url/,
  );
});

Deno.test("prepareModules: missing or forbidden imports are reported with their line", () => {
  const of = (line: string) => problem({ "main.ts": `\n\n${line}` });
  assert.match(
    of('import "./gone";'),
    /^main\.ts:3: cannot import "\.\/gone": there is no file gone/,
  );
  assert.match(of('import "../up.ts";'), /is outside the function's directory/);
  assert.match(of('import "left-pad";'), /the package left-pad is not in the archive: add it to/);
  assert.match(of('import "https://deno.land/x.ts";'), /only modules in the archive/);
  assert.match(of('import "node:fs";'), /node:fs is not available in a sandbox/);
  assert.match(of("const a: = 1;"), /^main\.ts:3: /);
  assert.match(problem({ "main.js": "let a;\nlet a;" }, "main.js"), /^main\.js:2: /);
});

Deno.test("prepareModules: an import() of a missing module fails when it runs", () => {
  const { files, entry } = prepare(
    { "main.js": 'try { await import("sharp"); } catch {}' },
    "main",
  );
  assert.match(files.get(entry)!, /await \$missing\("Cannot import \\"sharp\\": the package sharp/);
});

Deno.test("prepareModules: packages are resolved as in Node.js, with their exports for workers", () => {
  const { files, entry } = prepare({
    "main.ts":
      'import a from "a"; import b from "@s/b/sub"; import c from "npm:c@1"; import "#own";',
    "package.json": '{"imports": {"#own": "./own.js"}}',
    "own.js": "export {};",
    "node_modules/a/package.json": '{"exports": {"node": "./node.js", "import": "./a.js"}}',
    "node_modules/a/a.js": "export default 1;",
    "node_modules/@s/b/package.json":
      '{"exports": {".": "./no.js", "./*": {"default": "./lib/*.js"}}}',
    "node_modules/@s/b/lib/sub.js": "export default 1;",
    "node_modules/c/package.json": '{"main": "no.js", "module": "es/index.js"}',
    "node_modules/c/es/index.js": "export default 1;",
  });
  const code = files.get(entry)!;
  for (const path of ["a/a.js.js", "%40s/b/lib/sub.js.js", "c/es/index.js.js"]) {
    assert.ok(code.includes(`"./node_modules/${path}"`), code);
  }
  assert.ok(code.includes('"./own.js.js"'));
});

Deno.test("prepareModules: CommonJS modules are wrapped, with the exports that Node.js detects", () => {
  const { files, entry } = prepare({
    "main.js":
      'const { f } = require("./lib"); require("fs"); module.exports = { run: f, x, y: 1 };',
    "lib/index.js": 'exports.f = () => require("util"); exports["g-h"] = 1;',
  }, "main.run");
  assert.match(files.get(entry)!, /export\{\$m as default,\$e0 as "run",\$e1 as "x"\}/);
  const body = files.get("cjs/main.js.js")!;
  assert.match(
    body,
    /import"\.\/lib\/index\.js\.js";\$define\("main\.js",\{"\.\/lib":"lib\/index\.js"\}/,
  );
  assert.match(files.get("cjs/lib/index.js.js")!, /import \$r1 from"node:util";/);
});

Deno.test("prepareModules: exports of re-exported CommonJS modules are detected, even in cycles", () => {
  const { files, entry } = prepare({
    "main.js": 'import { a, b } from "./a.cjs"; export default () => a + b;',
    "a.cjs": '__exportStar(require("./b.cjs"), exports); exports.a = 1;',
    "b.cjs": 'module.exports = require("./a.cjs"); module.exports.b = 2;',
  }, "main");
  assert.ok(files.has(entry));
  assert.match(files.get("app/a.cjs.js")!, /export\{\$m as default,\$e0 as "a",\$e1 as "b"\}/);
});

Deno.test("prepareModules: a package with an invalid manifest exports nothing", () => {
  for (const exports of ['{"./[": "./a.js"}', '{".": null}', "5", "[]"]) {
    const why = problem({
      "main.js": 'import "a";',
      "node_modules/a/package.json": `{"exports": ${exports}}`,
      "node_modules/a/a.js": "",
    }, "main");
    assert.match(why, /the package in node_modules\/a does not export \./, exports);
  }
});

Deno.test("prepareModules: a condition without a target does not hide the general export", () => {
  const { files } = prepare({
    "main.js": 'module.exports = require("a");',
    "node_modules/a/package.json":
      '{"exports": {"worker": {"import": "./a.mjs"}, "require": "./a.cjs"}}',
    "node_modules/a/a.cjs": "exports.a = 1;",
  }, "main");
  assert.ok(files.has("cjs/node_modules/a/a.cjs.js"));
});
