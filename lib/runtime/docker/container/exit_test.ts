import assert from "node:assert/strict";
import { crash, describeExit, earlyEnd } from "./exit.ts";

const cases: [Parameters<typeof describeExit>[0], RegExp][] = [
  [{ code: 0, oomKilled: false }, /^the process exited with status 0$/],
  [{ code: 3, oomKilled: false }, /^the process exited with status 3$/],
  [{ code: 139, oomKilled: false }, /^the process exited with status 139, which means SIGSEGV$/],
  [
    { code: 137, oomKilled: true },
    /^the container was killed because it used more than its 64 MiB$/,
  ],
  [{ code: 1, oomKilled: true }, /used more than its 64 MiB$/],
  [{ code: 137, oomKilled: null }, /killed \(status 137\); Docker does not report whether/],
  [{ code: undefined, oomKilled: false }, /^the container was removed$/],
];
for (const [exit, expected] of cases) {
  Deno.test(`describeExit: describes ${JSON.stringify(exit)}`, () => {
    assert.match(describeExit(exit, 64), expected);
  });
}

Deno.test("earlyEnd: has the last line in its message, and all lines in its details", () => {
  const error = earlyEnd({ code: 1, oomKilled: false }, 64, "a\nno such module\n", "before x");
  assert.equal(error.code, "INSTANCE_START_FAILED");
  assert.match(error.message, /status 1, before x; its output: no such module$/);
  assert.deepEqual(error.details, { exitCode: 1, oomKilled: false, output: "a\nno such module\n" });
});

Deno.test("earlyEnd: adds no empty line for an instance without output", () => {
  assert.match(earlyEnd({ code: 1, oomKilled: false }, 64, "", "before x").message, /before x$/);
});

Deno.test("crash: has exit status, cause and last lines in its details", () => {
  const error = crash({ code: 3, oomKilled: false }, 64, "words");
  assert.equal(error.code, "FUNCTION_CRASHED");
  assert.deepEqual(error.details, { exitCode: 3, oomKilled: false, output: "words" });
});
