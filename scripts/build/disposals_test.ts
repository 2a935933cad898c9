import assert from "node:assert/strict";
import { countDisposals } from "./disposals.ts";

Deno.test("countDisposals: counts declarations of both kinds, wherever they stand", () => {
  const code = `
    using top = open();
    async function later() { await using one = await open(); for (await using x of xs) x.y(); }
    class Gate { static { using inner = open(); inner.close(); } }
    for (using x of xs) { const f = () => { using y = x; return y.z; }; }
  `;
  assert.equal(countDisposals(code), 6);
  assert.equal(countDisposals("{ using a = f(), b = f(); await using c = f(); }"), 3);
});

Deno.test("countDisposals: takes no words for declarations", () => {
  const code = `
    // using it = open();
    const using = "using it = open()", text = \`await using \${using}\`;
    export const other = { using, await: using.length, pattern: /using a = b/ };
  `;
  assert.equal(countDisposals(code), 0);
});
