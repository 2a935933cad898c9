import assert from "node:assert/strict";
import { seededRandom } from "../../base/random.ts";
import type { Arm } from "./bandit.ts";
import { Ucb1 } from "./ucb1.ts";

const arms: Arm[] = [{ name: "amd64", memoryUse: 0 }, { name: "arm64", memoryUse: 0 }];

Deno.test("Ucb1: tries each arm once, then follows hand-computed scores", () => {
  const bandit = new Ucb1(0.8);
  const first = bandit.pull(arms);
  assert.equal(first.arm, "amd64");
  first.reward("amd64", Math.E ** 2); // mean -2
  const second = bandit.pull(arms);
  assert.equal(second.arm, "arm64");
  second.reward("arm64", Math.E); // mean -1
  // t = 2: amd64 -2 + .8 sqrt(ln 2) = -1.334; arm64 -1 + .8 sqrt(ln 2) = -0.334
  const third = bandit.pull(arms);
  assert.equal(third.arm, "arm64");
  third.reward("arm64", Math.E);
  // t = 3: amd64 -2 + .8 sqrt(ln 3) = -1.161; arm64 -1 + .8 sqrt(ln 3 / 2) = -0.407
  assert.equal(bandit.pull(arms).arm, "arm64");
});

Deno.test("Ucb1: a large bonus makes it try a worse arm again", () => {
  const bandit = new Ucb1(4);
  for (const [arm, ms] of [["amd64", Math.E ** 2], ["arm64", Math.E], ["arm64", Math.E]] as const) {
    bandit.pull(arms).reward(arm, ms);
  }
  // t = 3: amd64 -2 + 4 sqrt(ln 3) = 2.193; arm64 -1 + 4 sqrt(ln 3 / 2) = 1.965
  assert.equal(bandit.pull(arms).arm, "amd64");
});

Deno.test("Ucb1: any number of cold starts leaves no trace", () => {
  const bandit = new Ucb1(0.8);
  for (let k = 0; k < 50; k++) {
    const pull = bandit.pull(arms);
    assert.equal(pull.arm, "amd64");
    pull.forget();
    pull.forget();
  }
  bandit.pull(arms).reward("amd64", 0);
  assert.equal(bandit.pull(arms).arm, "arm64");
});

Deno.test("Ucb1: a pull ends once and rewards the arm that executed", () => {
  const bandit = new Ucb1(0);
  const pull = bandit.pull(arms);
  assert.equal(pull.arm, "amd64");
  pull.reward("arm64", 1);
  pull.reward("amd64", 1e-3);
  // Only arm64 has a reward: amd64 is still untried.
  assert.equal(bandit.pull(arms).arm, "amd64");
});

Deno.test("Ucb1: a burst tries unknown arms evenly until one is known", () => {
  const bandit = new Ucb1(0.8);
  const burst = Array.from({ length: 6 }, () => bandit.pull(arms));
  assert.equal(burst.filter(({ arm }) => arm === "arm64").length, 3);
  burst.find(({ arm }) => arm === "arm64")!.reward("arm64", 5);
  assert.equal(bandit.pull(arms).arm, "arm64");
});

Deno.test("Ucb1: the faster arm gets most requests of a simulation", () => {
  const random = seededRandom(7);
  const bandit = new Ucb1(0.8);
  const counts = { amd64: 0, arm64: 0 };
  for (let k = 0; k < 2000; k++) {
    const pull = bandit.pull(arms);
    counts[pull.arm as keyof typeof counts]++;
    if (random() < 0.05) pull.forget();
    else pull.reward(pull.arm, (pull.arm === "amd64" ? 20 : 10) * (0.8 + 0.4 * random()));
  }
  assert.ok(counts.arm64 > 1800, JSON.stringify(counts));
});
