import assert from "node:assert/strict";
import { ArchitectureChooser, type ArchitectureSettings } from "./architecture.ts";

const settings: ArchitectureSettings = {
  "lb.mode": "RoundRobin",
  "mab.policy": "UCB1",
  "mab.ucb1.c": 0.8,
  "mab.linucb.alpha": 0.1,
  "mab.linucb.lambda": 0,
};
const both = [{ name: "amd64", memoryUse: 0 }, { name: "arm64", memoryUse: 0 }];

Deno.test("ArchitectureChooser: RoundRobin alternates per function", () => {
  const chooser = new ArchitectureChooser(settings, () => 0);
  const turns = ["f", "f", "g", "f", "g"].map((name) => chooser.choose(name, both).arm);
  assert.deepEqual(turns, ["amd64", "arm64", "amd64", "amd64", "arm64"]);
  assert.equal(chooser.choose("f", [both[0]!]).arm, "amd64");
});

Deno.test("ArchitectureChooser: random follows the random numbers", () => {
  const numbers = [0, 0.49, 0.5, 0.99];
  const chooser = new ArchitectureChooser(
    { ...settings, "lb.mode": "random" },
    () => numbers.shift()!,
  );
  const chosen = [1, 2, 3, 4].map(() => chooser.choose("f", both).arm);
  assert.deepEqual(chosen, ["amd64", "amd64", "arm64", "arm64"]);
});

Deno.test("ArchitectureChooser: MAB learns per function, and forgets", () => {
  for (const policy of ["UCB1", "LinUCB"] as const) {
    const chooser = new ArchitectureChooser(
      { ...settings, "lb.mode": "MAB", "mab.policy": policy },
      () => 0,
    );
    for (let k = 0; k < 30; k++) {
      const pull = chooser.choose("f", both);
      pull.reward(pull.arm, pull.arm === "amd64" ? 100 : 1);
    }
    assert.equal(chooser.choose("f", both).arm, "arm64");
    assert.equal(chooser.choose("g", both).arm, "amd64");
    chooser.forget("f");
    assert.equal(chooser.choose("f", both).arm, "amd64");
  }
});

Deno.test("ArchitectureChooser: drops the least recently used functions", () => {
  const chooser = new ArchitectureChooser(settings, () => 0, 2);
  for (const name of ["a", "b", "a", "c"]) chooser.choose(name, both);
  assert.equal(chooser.size, 2);
  assert.equal(chooser.choose("a", both).arm, "amd64"); // its third request: a was kept
  assert.equal(chooser.choose("b", both).arm, "amd64"); // starts over
});
