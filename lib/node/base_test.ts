import assert from "node:assert/strict";
import { resolveConfig } from "../config/config.ts";
import { bodyBudget, resultMemory } from "./base.ts";

/** Size of the budget of a node with these settings, MiB. */
function budgetOf(values: Record<string, number>): number {
  const { config } = resolveConfig([{ origin: "test", values }]);
  const bodies = bodyBudget(config);
  const { maxBytes } = resultMemory({ config, bodies });
  assert.equal(maxBytes, config["api.result.max"] * 2 ** 20);
  let size = 0;
  assert.throws(() => bodies.check(2 ** 60), (error: { details?: { maxBytes?: number } }) => {
    size = error.details!.maxBytes! / 2 ** 20;
    return true;
  });
  return size;
}

Deno.test("bodyBudget: is what is configured, also above 2 GiB", () => {
  assert.equal(budgetOf({ "container.pool.memory": 32_768 }), 4096);
  assert.equal(budgetOf({ "container.pool.memory": 16_384 }), 2048);
  assert.equal(budgetOf({ "api.bodies.memory": 32_768 }), 32_768);
  assert.equal(budgetOf({ "code.max": 1024 }), 4096);
  assert.equal(budgetOf({ "api.body.max": 512 }), 2048);
});
