import assert from "node:assert/strict";
import { findOffences } from "./layers.ts";

Deno.test("imports from the own room and from rooms above pass", () => {
  assert.deepEqual(
    findOffences([
      { from: "lib/pool/pool.ts", to: "lib/pool/ledger.ts" },
      { from: "lib/pool/pool.ts", to: "lib/base/errors.ts" },
      { from: "policies/default.ts", to: "lib/policy/contract.ts" },
      { from: "lib/node/node.ts", to: "policies/mod.ts" },
      { from: "main.ts", to: "cli.ts" },
    ]),
    [],
  );
});

Deno.test("an import from a room below is named", () => {
  const offences = findOffences([{ from: "lib/pool/pool.ts", to: "lib/api/app.ts" }]);
  assert.equal(offences.length, 1);
  assert.match(offences[0]!, /^lib\/pool\/pool\.ts imports lib\/api\/app\.ts/);
});

Deno.test("a policy sees nothing but the contract, the model and the base", () => {
  const offences = findOffences([
    { from: "policies/default.ts", to: "lib/json/json.ts" },
    { from: "policies/default.ts", to: "lib/base/version.ts" },
  ]);
  assert.equal(offences.length, 1);
  assert.match(offences[0]!, /lib\/version\.ts: only/);
});

Deno.test("files outside of every room are refused on both sides", () => {
  const offences = findOffences([
    { from: "lib/api/app.ts", to: "scripts/check/layers.ts" },
    { from: "lib/extra.ts", to: "lib/base/errors.ts" },
  ]);
  assert.equal(offences.length, 2);
});

Deno.test("only tests import what tests share", () => {
  assert.deepEqual(
    findOffences([
      { from: "lib/pool/pool_test.ts", to: "tests/support/fake.ts" },
      { from: "tests/support/fake.ts", to: "lib/runtime/environment.ts" },
    ]),
    [],
  );
  assert.equal(findOffences([{ from: "lib/pool/pool.ts", to: "tests/support/fake.ts" }]).length, 1);
});
