import assert from "node:assert/strict";
import { settle } from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import { resolveConfig } from "../config/config.ts";
import type { Policy } from "../policy/contract.ts";
import { MetricRegistry } from "../telemetry/prometheus.ts";
import { startPlanning } from "./planning.ts";

function setUp(plan: Policy["plan"]) {
  const clock = new ManualClock();
  const registry = new MetricRegistry();
  const parts = {
    config: resolveConfig([{ origin: "test", values: { "policy.plan.interval": 1 } }]).config,
    clock,
    policy: { name: "p", decide: () => ({ kind: "run" }), plan },
    scheduler: { arrivals: () => [] },
    ledger: { balance: { totalMemory: 1 } },
    cluster: undefined,
    metrics: { registry },
  } as unknown as Parameters<typeof startPlanning>[0];
  return { clock, registry, service: startPlanning(parts) };
}

Deno.test("startPlanning: tells and counts a plan that fails until one succeeds", async () => {
  let fails = true;
  const { clock, registry, service } = setUp(() => {
    if (fails) throw new Error("infeasible");
  });
  const plans = async () => {
    clock.advance(1000);
    await settle();
    return service!.problems();
  };
  assert.deepEqual(service!.problems(), []);
  assert.match((await plans())[0]!, /^policy: p cannot plan: .*infeasible/);
  fails = false;
  assert.deepEqual(await plans(), []);
  assert.match(registry.render(), /^serverledge_plans_total\{outcome="INTERNAL"\} 1$/m);
  assert.match(registry.render(), /^serverledge_plans_total\{outcome="OK"\} 1$/m);
  if (service && Symbol.dispose in service) service[Symbol.dispose]();
  fails = true;
  assert.deepEqual(await plans(), [], "it has stopped");
});

Deno.test("startPlanning: starts nothing for a policy that plans nothing", () => {
  assert.equal(setUp(undefined).service, undefined);
});
