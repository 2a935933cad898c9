import assert from "node:assert/strict";
import type { Arm } from "./bandit.ts";
import { LinUcb } from "./lin_ucb.ts";

const arms = (amd64: number, arm64: number): Arm[] => [
  { name: "amd64", memoryUse: amd64 },
  { name: "arm64", memoryUse: arm64 },
];

Deno.test("LinUcb: without rewards prefers the arm with the longer feature vector", () => {
  // sqrt(x'x): u = 0 gives |[1, 0.990]| = 1.407, u = .5 gives |[1, 1.961]| = 2.201.
  assert.equal(new LinUcb(0.1, 0).pull(arms(0, 0.5)).arm, "arm64");
  assert.equal(new LinUcb(0.1, 0).pull(arms(0.5, 0)).arm, "amd64");
});

Deno.test("LinUcb: scores match hand-computed ones", () => {
  const bandit = new LinUcb(0, 0);
  // u = .01 makes x = [1, 1]. After one reward -1: A = [[2, 1], [1, 2]], b = [-1, -1],
  // theta = [-1/3, -1/3]; at x the score is -2/3, against 0 of the arm without knowledge.
  bandit.pull(arms(0.01, 0.01)).reward("amd64", Math.E);
  assert.equal(bandit.pull(arms(0.01, 0.01)).arm, "arm64");
  // A reward -.5 of arm64 makes its score -1/3, so it stays ahead; -3 more: A = [[3, 2], [2, 3]],
  // b = [-3.5, -3.5], theta = -.7 each, score -1.4, so amd64 is ahead.
  bandit.pull(arms(0.01, 0.01)).reward("arm64", Math.exp(0.5));
  assert.equal(bandit.pull(arms(0.01, 0.01)).arm, "arm64");
  bandit.pull(arms(0.01, 0.01)).reward("arm64", Math.exp(3));
  assert.equal(bandit.pull(arms(0.01, 0.01)).arm, "amd64");
});

Deno.test("LinUcb: lambda penalizes memory use above three quarters", () => {
  // Both rewards are 0; with lambda 1 the arm at 95 % pays (.95 - .75) / .25 = .8.
  const bandit = new LinUcb(0, 1);
  bandit.pull(arms(0.95, 0.5)).reward("amd64", 1);
  bandit.pull(arms(0.95, 0.5)).reward("arm64", 1);
  assert.equal(bandit.pull(arms(0.95, 0.95)).arm, "arm64");
});

Deno.test("LinUcb: handles full memory, zero durations and forgotten pulls", () => {
  const bandit = new LinUcb(0.1, 0.5);
  for (let k = 0; k < 100; k++) {
    const pull = bandit.pull(arms(1, 1));
    pull.reward(pull.arm, 0);
    bandit.pull(arms(1, 0)).forget();
    bandit.pull(arms(1, 0)).reward("riscv64", 1);
  }
  assert.ok(["amd64", "arm64"].includes(bandit.pull(arms(0.3, 1)).arm));
});

Deno.test("LinUcb: learns that an arm gets slow as its memory fills", () => {
  const bandit = new LinUcb(0.1, 0);
  const duration = (arm: string, use: number) => arm === "amd64" ? 10 + 90 * use : 30;
  for (let k = 0; k < 500; k++) {
    const use = (k % 10) / 10;
    const pull = bandit.pull(arms(use, 0.2));
    pull.reward(pull.arm, duration(pull.arm, pull.arm === "amd64" ? use : 0.2));
  }
  assert.equal(bandit.pull(arms(0.05, 0.2)).arm, "amd64");
  assert.equal(bandit.pull(arms(0.9, 0.2)).arm, "arm64");
});
