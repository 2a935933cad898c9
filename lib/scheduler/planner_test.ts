import assert from "node:assert/strict";
import { settle } from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import type { Policy } from "../policy/contract.ts";
import { Planner } from "./planner.ts";

function setUp(plan: Policy["plan"]) {
  const clock = new ManualClock();
  const asked: number[] = [];
  const policy: Policy = { name: "p", decide: () => ({ kind: "run" }), plan };
  const planner = new Planner({
    policy,
    clock,
    intervalMs: 1000,
    statistics: (seconds) => {
      asked.push(seconds);
      return { arrivals: [], memoryMib: 1, peerMemoryMib: 0, edgeRttMs: 1, cloudRttMs: 1 };
    },
  });
  return { clock, asked, planner };
}

Deno.test("Planner: plans every interval, one plan at a time", async () => {
  const plans: (() => void)[] = [];
  const { clock, asked, planner } = setUp(() => new Promise((resolve) => plans.push(resolve)));
  clock.advance(1000);
  clock.advance(5000);
  assert.deepEqual(asked, [1], "the first plan is still being made");
  plans[0]!();
  await settle();
  clock.advance(1000);
  assert.equal(asked.length, 2);
  planner[Symbol.dispose]();
});

Deno.test("Planner: continues after a plan that fails", async () => {
  const { clock, asked, planner } = setUp(() => {
    throw new Error("infeasible");
  });
  for (let n = 0; n < 3; n++) {
    clock.advance(1000);
    await settle();
  }
  assert.equal(asked.length, 3);
  planner[Symbol.dispose]();
  clock.advance(5000);
  assert.equal(asked.length, 3);
});
