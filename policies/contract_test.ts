import assert from "node:assert/strict";
import { policyNames } from "../lib/model/policy_names.ts";
import { testPolicy } from "../tests/contract/policy.ts";
import { policies } from "./mod.ts";

for (const [name, factory] of Object.entries(policies)) testPolicy(name, factory);

Deno.test("policies: have the names that the configuration uses", () => {
  const context = { random: () => 0, now: () => 0, settings: {} };
  const own = Object.values(policies).map((factory) => factory(context).name);
  assert.deepEqual(own, [...policyNames]);
});
