import assert from "node:assert/strict";
import { compare } from "./results/compare.ts";
import { comparisonCsv } from "./results/csv.ts";
import { comparisonFigure } from "./results/figure.ts";
import { makeScenario, readScenario } from "./scenario/scenario.ts";
import { simulate } from "./simulation.ts";

const function1 = { memory: 100, duration: { mean: 0.1, scv: 1 }, start: { mean: 0.0001, scv: 0 } };
const links = {
  edge: { latency: 5, bandwidth: 100 },
  cloud: { latency: 50, bandwidth: 10 },
  overhead: 5,
};

/** Three edge nodes with all kinds of changes. */
const eventful = {
  about: "Everything",
  duration: 60,
  nodes: {
    edge: { count: 3, area: "EDGE", memory: 1024 },
    cloud: { area: "CLOUD", memory: 65536, policy: "default" },
  },
  cost: 0.001,
  budget: 1,
  network: links,
  classes: { fast: { limit: 0.3, penalty: 0.5 }, slow: { utility: 0.1 } },
  functions: {
    f: {
      count: 3,
      memory: { uniform: [100, 300] },
      duration: { mean: { uniform: [0.05, 0.2] }, scv: { choice: [1, 0.5] } },
      start: { mean: 0.3, scv: 0.1 },
      input: { mean: 1000, deviation: 1000, min: 100, max: 100_000 },
    },
  },
  load: [
    { nodes: ["edge-1"], rate: 15, mix: { fast: 1, slow: 1 } },
    {
      nodes: ["edge"],
      rate: 2,
      process: { kind: "mmpp", peak: 4, share: 0.2, stay: 5 },
      shape: { kind: "diurnal", period: 60, low: 0.5, high: 2 },
    },
  ],
  settings: { "plan.interval": 10 },
  changes: [
    { at: 10, slow: { nodes: ["edge-2"], factor: 5 } },
    { at: 15, degrade: { link: "cloud", latency: 3, bandwidth: 0.1 } },
    { at: 20, fail: ["edge-3"] },
    { at: 30, recover: ["edge-3"], function: { functions: ["f-1"], duration: 2 } },
    { at: 40, fail: ["edge-1"] },
    { at: 45, recover: ["edge-1"] },
  ],
};

const policies = ["default", "edgeonly", "edgecloud", "qosaware"];
const silent = (problem: string) => assert.fail(problem);

Deno.test("simulate: gives the same result for equal seeds, and another for different ones", async () => {
  const file = readScenario(eventful);
  const results = [];
  for (const seeds of [[1], [1], [2]]) {
    const comparison = await compare({ file, policies, seeds, warn: silent });
    results.push(JSON.stringify(comparison) + comparisonCsv(comparison));
  }
  assert.equal(results[0], results[1]);
  assert.notEqual(results[0], results[2]);
});

Deno.test("simulate: ends every request exactly once", async () => {
  const scenario = makeScenario(readScenario(eventful), 3);
  const counts = [];
  for (const policy of policies) {
    const { tally } = await simulate(scenario, policy, silent);
    assert.equal(tally.open, 0);
    for (const one of tally.classes) {
      assert.equal(one.inTime + one.late + one.dropped, one.arrived);
      assert(one.served <= one.arrived);
      assert.equal(one.places.local + one.places.edge + one.places.cloud, one.served);
      assert.equal(one.responses.length, one.served);
    }
    assert(tally.classes.some(({ dropped }) => dropped > 0), "nodes were down");
    counts.push(tally.classes.map(({ arrived }) => arrived));
  }
  for (const count of counts) assert.deepEqual(count, counts[0], "all policies receive the same");
});

Deno.test("simulate: a single node has the waits of an M/M/c queue", async () => {
  const servers = 4;
  const rate = 28; // 70 % of 4 servers of 10 requests/s
  const file = readScenario({
    about: "M/M/4",
    duration: 1500,
    warmup: 20,
    nodes: { node: { area: "EDGE", memory: servers * 100 } },
    network: links,
    functions: { f: function1 },
    load: [{ nodes: ["node"], rate }],
  });
  const offered = rate * 0.1;
  let term = 1; // offered^k / k!
  let sum = 1;
  for (let k = 1; k < servers; k++) sum += term *= offered / k;
  const last = term * offered / servers * servers / (servers - offered);
  const expectedMs = 1000 * (0.1 + last / (sum + last) / (servers * 10 - rate));
  const means = [];
  for (const seed of [1, 2, 3]) {
    const { tally } = await simulate(makeScenario(file, seed), "default", silent);
    const { responses } = tally.classes[0]!;
    means.push(responses.reduce((total, each) => total + each, 0) / responses.length);
  }
  const mean = means.reduce((total, each) => total + each, 0) / means.length;
  assert(Math.abs(mean / expectedMs - 1) < 0.05, `${mean} ms instead of ${expectedMs} ms`);
});

Deno.test("simulate: offloading takes latency, transfer and overhead", async () => {
  const file = readScenario({
    about: "A gateway",
    duration: 100,
    warmup: 50,
    nodes: {
      gateway: { area: "EDGE", memory: 1000 },
      cloud: { area: "CLOUD", memory: 65536, policy: "default" },
    },
    cost: 1,
    network: links,
    functions: {
      f: {
        memory: 1024,
        duration: { mean: 0.1, scv: 0 },
        start: { mean: 0.5, scv: 0 },
        input: { mean: 125_000, deviation: 0, min: 0, max: 1e9 },
      },
    },
    load: [{ nodes: ["gateway"], rate: 2, process: { kind: "constant" } }],
  });
  const { tally } = await simulate(makeScenario(file, 1), "cloudonly", silent);
  const [all] = tally.classes;
  // 5 ms overhead, twice 50 ms latency, 1 Mbit at 10 Mbit/s, 100 ms execution.
  for (const ms of all!.responses) assert(Math.abs(ms - 305) < 1e-6, `${ms}`);
  assert.equal(all!.places.cloud, all!.arrived);
  assert(Math.abs(all!.cost - 0.1 * all!.arrived) < 0.2, "a GiB for 0.1 s each");
});

Deno.test("simulate: a node stays slow after a restart", async () => {
  const file = readScenario({
    about: "Slow for ever",
    duration: 40,
    warmup: 25,
    nodes: { node: { area: "EDGE", memory: 1000 } },
    network: links,
    functions: { f: { ...function1, duration: { mean: 0.1, scv: 0 } } },
    load: [{ nodes: ["node"], rate: 1, process: { kind: "constant" } }],
    changes: [
      { at: 5, slow: { nodes: ["node"], factor: 5 } },
      { at: 10, fail: ["node"] },
      { at: 15, recover: ["node"] },
    ],
  });
  const { tally } = await simulate(makeScenario(file, 1), "default", silent);
  for (const ms of tally.classes[0]!.responses) assert(Math.abs(ms - 500) < 1e-6, `${ms}`);
});

Deno.test("simulate: requests without a class belong to the file's default class", async () => {
  const file = readScenario({
    about: "A limit for all",
    duration: 10,
    nodes: { node: { area: "EDGE", memory: 1000 } },
    network: links,
    classes: { default: { utility: 3 } },
    functions: { f: { ...function1, duration: { mean: 0.1, scv: 0 } } },
    load: [{ nodes: ["node"], rate: 1, process: { kind: "constant" } }],
  });
  const { tally } = await simulate(makeScenario(file, 1), "default", silent);
  const [all, ...others] = tally.classes;
  assert.equal(others.length, 0);
  assert.equal(all!.utility, 3 * all!.arrived);
});

Deno.test("simulate: reports the path of a policy's invalid setting", async () => {
  const file = readScenario({ ...eventful, settings: { budget: "much" } });
  await assert.rejects(simulate(makeScenario(file, 1), "probabilistic", silent), {
    code: "CONFIG_INVALID",
    message: /^settings\.budget: expected/,
    details: { path: "settings.budget" },
  });
});

Deno.test("comparisonFigure: clamps intervals of shares to 0 to 100 %", async () => {
  const file = readScenario(eventful);
  const compared = await compare({ file, policies: ["default"], seeds: [1, 2], warn: silent });
  const wide = (mean: number) => ({
    ...compared,
    policies: compared.policies.map((policy) => ({
      ...policy,
      classes: policy.classes.map((one) => ({ ...one, inTime: { mean, ci: 0.6 } })),
    })),
  });
  assert(!comparisonFigure(wide(0.1)).includes(">-50<"));
  assert(!comparisonFigure(wide(0.9)).includes(">150<"));
});

Deno.test("comparisonFigure: shows every policy and class", async () => {
  const file = readScenario(eventful);
  const options = { file, policies: ["default", "qosaware"], seeds: [1, 2], warn: silent };
  const svg = comparisonFigure(await compare(options));
  for (const word of ["default", "qosaware", "fast", "slow", "Everything", "utility"]) {
    assert(svg.includes(word), word);
  }
});
