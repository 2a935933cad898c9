import assert from "node:assert/strict";
import { findCircles, findOffences } from "./layers.ts";

Deno.test("imports from the own module and from modules above pass", () => {
  assert.deepEqual(
    findOffences([
      { from: "lib/pool/pool.ts", to: "lib/pool/resource_ledger.ts" },
      { from: "lib/pool/pool.ts", to: "lib/base/errors.ts" },
      { from: "policies/default.ts", to: "lib/policy/contract.ts" },
      { from: "lib/node/node.ts", to: "policies/mod.ts" },
      { from: "main.ts", to: "cli.ts" },
    ]),
    [],
  );
});

Deno.test("an import from a module below is named", () => {
  const offences = findOffences([{ from: "lib/pool/pool.ts", to: "lib/api/app.ts" }]);
  assert.equal(offences.length, 1);
  assert.match(offences[0]!, /^lib\/pool\/pool\.ts imports lib\/api\/app\.ts/);
});

Deno.test("a policy sees nothing but the contract, the model and the base", () => {
  const offences = findOffences([
    { from: "policies/default.ts", to: "lib/json/json.ts" },
    { from: "policies/default.ts", to: "lib/config/config.ts" },
  ]);
  assert.equal(offences.length, 1);
  assert.match(offences[0]!, /lib\/config\/config\.ts: of other modules only/);
});

Deno.test("files outside of every module are refused on both sides", () => {
  const offences = findOffences([
    { from: "lib/api/app.ts", to: "extra/layers.ts" },
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

Deno.test("only its two commands load the laboratory, and only when they run", () => {
  const command = "lib/lab/commands/bench.ts";
  const loaded = "lib/lab/bench/run.ts";
  assert.deepEqual(findOffences([{ from: command, to: loaded, isDynamic: true }]), []);
  assert.equal(findOffences([{ from: command, to: loaded }]).length, 1);
  assert.equal(
    findOffences([{ from: "lib/node/node.ts", to: loaded, isDynamic: true }]).length,
    1,
  );
});

Deno.test("files that import each other in a circle are named in its order", () => {
  const circle = [{ from: "a.ts", to: "b.ts" }, { from: "b.ts", to: "c.ts" }];
  assert.deepEqual(findCircles(circle), []);
  assert.deepEqual(
    findCircles([{ from: "d.ts", to: "a.ts" }, ...circle, { from: "c.ts", to: "a.ts" }]),
    [
      "circle: a.ts -> b.ts -> c.ts -> a.ts",
    ],
  );
});
