/** The check of the gate that runs the examples in the documentation of exports. */

import assert from "node:assert/strict";

const script = new URL("../../scripts/check/examples.ts", import.meta.url).pathname;

const documented = [2, 3].map((sum, at) =>
  `/**
 * Adds.
 *
 * @example
 * \`\`\`ts
 * if (add${at}(1, 1) !== ${sum}) throw new Error("it is not ${sum}");
 * \`\`\`
 */
export const add${at} = (a: number, b: number): number => a + b;
`
).join("\n");

Deno.test("check of examples: fails on a wrong example and says why, a right one passes", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, documented);
    const args = ["run", "-A", script, file];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    const output = new TextDecoder().decode(stderr);
    assert.equal(code, 1);
    assert.match(output, /it is not 3/);
    assert.match(output, /1 passed \| 1 failed/);
  } finally {
    await Deno.remove(file);
  }
});
