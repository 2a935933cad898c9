import assert from "node:assert/strict";
import type {
  LinearProgram,
  LinearSolver,
} from "../../../policies/probabilistic/linear_program.ts";
import { cutGammaMean, gammaCdf } from "./gamma.ts";
import { bestUtility, settledAt } from "./oracle.ts";
import { completionTolerance } from "./results/results.ts";
import { makeScenario, readScenario } from "./scenario/scenario.ts";
import { flowKey } from "./results/tally.ts";

const scenario = makeScenario(
  readScenario({
    about: "Two nodes",
    duration: 100,
    nodes: {
      edge: { count: 2, area: "EDGE", memory: 1000 },
      cloud: { area: "CLOUD", memory: 65536 },
    },
    cost: 1,
    budget: 36,
    network: { edge: { latency: 5, bandwidth: 100 }, cloud: { latency: 50, bandwidth: 10 } },
    classes: { fast: { limit: 1 } },
    functions: { f: { memory: 1024, duration: { mean: 0.5, scv: 1 }, start: { mean: 1 } } },
    load: [{ nodes: ["edge-1"], rate: 2, mix: { fast: 1 } }],
    changes: [
      { at: 10, slow: { nodes: ["edge-2"], factor: 5 } },
      { at: 20, function: { functions: ["f"], duration: 2 }, fail: ["edge-1"] },
      { at: 30, recover: ["edge-1"], degrade: { link: "cloud", latency: 3 } },
    ],
  }),
  1,
);

/** Records the program instead of solving it. */
class RecordingSolver implements LinearSolver {
  program: LinearProgram | undefined;

  solve(program: LinearProgram): Promise<readonly number[]> {
    this.program = program;
    return Promise.resolve(program.upper);
  }

  [Symbol.dispose](): void {}
}

Deno.test("gammaCdf and cutGammaMean: agree with the exponential and Erlang distributions", () => {
  const near = (value: number, expected: number) => assert(Math.abs(value - expected) < 1e-9);
  near(gammaCdf(0.7, 1, 1), 1 - Math.exp(-0.7));
  near(cutGammaMean(0.7, 1, 1), 1 - Math.exp(-0.7));
  near(gammaCdf(0.7, 1, 0.5), 1 - Math.exp(-1.4) * (1 + 1.4));
  near(gammaCdf(30, 1, 0.25), 1);
  assert.deepEqual([gammaCdf(1, 2, 0), gammaCdf(2, 2, 0), cutGammaMean(1, 2, 0)], [0, 1, 1]);
  near(cutGammaMean(Infinity, 3, 0.25), 3);
});

Deno.test("bestUtility: builds a program with utility, memory and cost of every node", async () => {
  const recording = new RecordingSolver();
  const still = settledAt(scenario, 0);
  const utility = await bestUtility(still, recording);
  const { cost, starts, values, rowUpper } = recording.program!;
  const utilities = [1000, 990 - 0.08, 900 - 0.8].map((ms) => gammaCdf(ms, 500, 1));
  assert.equal(cost.length, 3);
  utilities.forEach((worth, at) => assert(Math.abs(-cost[at]! - worth) < 1e-3));
  assert(Math.abs(utility - 2 * utilities.reduce((sum, each) => sum + each, 0)) < 0.01);
  assert.deepEqual(rowUpper, [2, 1000, 1000, 65536, 0.01]);
  const held = cutGammaMean(1000, 500, 1) / 1000 * 1024;
  assert(Math.abs(values[starts[1]!]! - held) < 1e-6);
});

Deno.test("bestUtility: has a row per required share, and no optimum if it cannot be reached", async () => {
  const still = settledAt(scenario, 0);
  const [stream] = still.load;
  const mix = stream!.mix.map((each) => ({
    ...each,
    qosClass: { ...each.qosClass, completion: 0.5 },
  }));
  const constrained = { ...still, load: [{ ...stream!, mix }] };
  const recording = new RecordingSolver();
  assert(Number.isNaN(await bestUtility(constrained, recording)), "no request is served");
  const { rowLower, upper } = recording.program!;
  const asked = 2 * (0.5 - completionTolerance);
  assert.deepEqual([rowLower.at(-1), upper.at(-1)], [asked, asked]);
  const kept: LinearSolver = {
    solve: ({ upper }) => Promise.resolve(upper.map((bound, at) => at === 3 ? 0 : bound)),
    [Symbol.dispose]() {},
  };
  assert.equal(await bestUtility(constrained, kept), await bestUtility(still, recording));
});

Deno.test("bestUtility: uses actual numbers of requests instead of rates", async () => {
  const recording = new RecordingSolver();
  const flows = new Map([[flowKey("edge-1", "f", "fast"), 400]]);
  await bestUtility(settledAt(scenario, 0), recording, flows);
  assert.deepEqual(recording.program!.upper, [4, 4, 4]);
});

Deno.test("settledAt: applies the changes until a time", async () => {
  const at = (seconds: number) => settledAt(scenario, seconds);
  assert.equal(at(15).nodes.find(({ id }) => id === "edge-2")!.speed, 0.2);
  assert.deepEqual(at(25).nodes.map(({ id }) => id), ["edge-2", "cloud"]);
  assert.deepEqual(at(25).load, []);
  assert.equal(at(35).load[0]!.fn.duration.meanMs, 1000);
  assert.equal(at(35).toCloud.latencyMs, 150);
  await assert.rejects(bestUtility(scenario, new RecordingSolver()), { code: "INVALID_REQUEST" });
});
