import assert from "node:assert/strict";
import { type Files, findFile, packageOf, resolve, type Way } from "./resolve.ts";

function archive(files: Readonly<Record<string, string | object>>): Files {
  const encoder = new TextEncoder();
  return new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      encoder.encode(typeof content === "string" ? content : JSON.stringify(content)),
    ]),
  );
}

/** Returns the path of the file that an import names, or the reason why there is none. */
function target(files: Files, from: string, specifier: string, way: Way = "import"): string {
  const resolution = resolve(files, from, specifier, way);
  switch (resolution.kind) {
    case "file":
      return resolution.path;
    case "builtin":
      return "(builtin)";
    case "nothing":
      return `nothing: ${resolution.why}`;
  }
}

Deno.test("resolve: a relative import names a file, without its extension or by its folder", () => {
  const files = archive({ "main.js": "", "lib/a.ts": "", "lib/index.js": "", "b.json": "{}" });
  assert.equal(target(files, "main.js", "./lib/a.ts"), "lib/a.ts");
  assert.equal(target(files, "main.js", "./lib/a"), "lib/a.ts");
  assert.equal(target(files, "main.js", "./lib"), "lib/index.js");
  assert.match(target(files, "lib/a.ts", ".."), /there is no file \. in the archive/);
  assert.equal(target(files, "lib/a.ts", "../b"), "b.json");
});

Deno.test("resolve: `.js` names the TypeScript source if there is no such file", () => {
  assert.equal(target(archive({ "a.ts": "" }), "main.ts", "./a.js"), "a.ts");
  assert.equal(target(archive({ "a.mts": "" }), "main.ts", "./a.mjs"), "a.mts");
  assert.equal(target(archive({ "a.ts": "", "a.js": "" }), "main.ts", "./a.js"), "a.js");
});

Deno.test("resolve: imports that leave the archive or are fetched name no file", () => {
  const files = archive({ "main.js": "" });
  assert.match(target(files, "main.js", "../secret.js"), /is outside the function's directory/);
  assert.match(target(files, "main.js", "/etc/passwd"), /absolute paths/);
  assert.match(
    target(files, "main.js", "https://example.com/a.js"),
    /only modules in the archive/,
  );
  assert.match(target(files, "main.js", "jsr:@std/path"), /only modules in the archive/);
  assert.match(target(files, "main.js", "zod"), /the package zod is not in the archive/);
});

Deno.test("resolve: a built-in module is one with and without `node:`", () => {
  const files = archive({ "main.js": "" });
  for (const specifier of ["node:util", "util"]) {
    assert.equal(target(files, "main.js", specifier), "(builtin)", specifier);
  }
});

Deno.test("resolve: a package is found in the nearest node_modules", () => {
  const files = archive({
    "node_modules/a/package.json": { main: "lib/main" },
    "node_modules/a/lib/main.js": "",
    "lib/node_modules/a/index.js": "",
    "node_modules/@scope/b/index.mjs": "",
  });
  assert.equal(target(files, "main.js", "a"), "node_modules/a/lib/main.js");
  assert.equal(target(files, "lib/deep/x.js", "a"), "lib/node_modules/a/index.js");
  assert.equal(target(files, "main.js", "@scope/b"), "node_modules/@scope/b/index.mjs");
  assert.equal(target(files, "main.js", "npm:a@^1.2.3"), "node_modules/a/lib/main.js");
  assert.equal(target(files, "main.js", "npm:@scope/b@1"), "node_modules/@scope/b/index.mjs");
});

Deno.test("resolve: `import` prefers the main module, `require` does not", () => {
  const files = archive({
    "node_modules/a/package.json": { main: "main.cjs", module: "main.mjs" },
    "node_modules/a/main.cjs": "",
    "node_modules/a/main.mjs": "",
  });
  assert.equal(target(files, "main.js", "a", "import"), "node_modules/a/main.mjs");
  assert.equal(target(files, "main.js", "a", "require"), "node_modules/a/main.cjs");
});

Deno.test("resolve: exports hide the other files of a package and depend on the kind of import", () => {
  const files = archive({
    "node_modules/a/package.json": {
      exports: {
        ".": { import: "./esm.js", require: "./cjs.cjs" },
        "./sub/*": "./lib/*.js",
        "./gone": { worker: "./gone.js", default: "./plain.js" },
      },
    },
    "node_modules/a/esm.js": "",
    "node_modules/a/cjs.cjs": "",
    "node_modules/a/lib/x.js": "",
    "node_modules/a/plain.js": "",
  });
  assert.equal(target(files, "main.js", "a", "import"), "node_modules/a/esm.js");
  assert.equal(target(files, "main.js", "a", "require"), "node_modules/a/cjs.cjs");
  assert.equal(target(files, "main.js", "a/sub/x"), "node_modules/a/lib/x.js");
  assert.match(target(files, "main.js", "a/lib/x.js"), /does not export \.\/lib\/x\.js/);
  // The target for workers is missing, so the other condition is used.
  assert.equal(target(files, "main.js", "a/gone"), "node_modules/a/plain.js");
});

Deno.test("resolve: `#name` is an import of the file's own package", () => {
  const files = archive({
    "package.json": { imports: { "#db": "./lib/db.js", "#zod": "zod" } },
    "lib/db.js": "",
    "node_modules/zod/index.js": "",
  });
  assert.equal(target(files, "lib/x.js", "#db"), "lib/db.js");
  assert.equal(target(files, "main.js", "#zod"), "node_modules/zod/index.js");
  assert.match(target(files, "main.js", "#other"), /no package\.json defines the import #other/);
});

Deno.test("resolve: a manifest that is not JSON counts as empty", () => {
  const files = archive({ "node_modules/a/package.json": "{", "node_modules/a/index.js": "" });
  assert.equal(target(files, "main.js", "a"), "node_modules/a/index.js");
});

Deno.test("findFile: a file precedes a folder of its name, and a source precedes an index", () => {
  assert.equal(findFile(archive({ "a.js": "", "a/index.ts": "" }), "a"), "a.js");
  assert.equal(findFile(archive({ "index.ts": "" }), "."), "index.ts");
  assert.equal(findFile(archive({}), "a"), undefined);
});

Deno.test("packageOf: stops at the package's own folder", () => {
  const files = archive({ "package.json": { name: "outer" }, "node_modules/a/index.js": "" });
  assert.equal(packageOf(files, "lib/deep/x.js")?.manifest.name, "outer");
  assert.equal(packageOf(files, "node_modules/a/index.js"), undefined);
});
