import assert from "node:assert/strict";
import { Allowance } from "./allowance.ts";
import { adaptShare } from "./capacity.ts";
import { probabilityInTime } from "./in_time.ts";
import type { Arrivals } from "../../lib/policy/contract.ts";
import { qosClassOf, unmeasured } from "../../tests/contract/policy.ts";

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
}

Deno.test("probabilityInTime: follows the exponential distribution of service times", () => {
  const warm = { executionMs: 100, startMs: 500, coldShare: 0 };
  near(probabilityInTime(300, warm, 100), 1 - Math.exp(-2));
  const mixed = { ...warm, coldShare: 0.25 };
  near(probabilityInTime(700, mixed, 100), 0.75 * (1 - Math.exp(-6)) + 0.25 * (1 - Math.exp(-1)));
});

Deno.test("probabilityInTime: is 0 if a start or the network takes longer than the limit", () => {
  const cold = { executionMs: 100, startMs: 500, coldShare: 1 };
  assert.equal(probabilityInTime(500, cold, 0), 0);
  assert.equal(probabilityInTime(500, { ...cold, coldShare: 0 }, 500), 0);
  assert.equal(probabilityInTime(Infinity, cold, 50), 1);
  assert.equal(probabilityInTime(600, { ...cold, executionMs: 0 }, 0), 1);
});

Deno.test("Allowance: accrues with time up to an hour's budget", () => {
  let now = 0;
  const allowance = new Allowance(60, () => now);
  assert.ok(allowance.covers(1) && !allowance.covers(1.01));
  allowance.spend(1);
  assert.ok(!allowance.covers(0.01));
  now += 60_000;
  assert.ok(allowance.covers(1) && !allowance.covers(1.01));
  now += 100 * 3_600_000;
  assert.ok(allowance.covers(60) && !allowance.covers(60.01));
  assert.ok(new Allowance(Infinity, () => now).covers(1e12));
});

function arrivals(rate: number, loss: number): Arrivals {
  return {
    functionName: "f",
    qosClass: qosClassOf(),
    memoryMib: 1,
    rate,
    inputSize: 0,
    local: unmeasured,
    edge: unmeasured,
    remote: unmeasured,
    loss,
  };
}

Deno.test("adaptShare: shrinks by half the loss and grows by a tenth without loss", () => {
  near(adaptShare(1, [arrivals(3, 0.4), arrivals(1, 0)]), 0.85);
  near(adaptShare(0.5, [arrivals(3, 0)]), 0.55);
  assert.equal(adaptShare(0.99, []), 1);
  assert.equal(adaptShare(0.06, [arrivals(1, 1)]), 0.05);
});
