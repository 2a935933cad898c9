import assert from "node:assert/strict";
import { makeScenario, readScenario } from "./scenario/scenario.ts";
import { simulate } from "./simulation.ts";
import type { ClassTally } from "./results/tally.ts";

/** What came of requests that a gateway sends to the nodes of a cloud. */
async function throughGateway(
  nodes: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
): Promise<ClassTally> {
  const file = readScenario({
    about: "A gateway",
    duration: 60,
    warmup: 1,
    nodes: { gateway: { area: "EDGE", memory: 1000 }, ...nodes },
    network: {
      edge: { latency: 5, bandwidth: 10_000 },
      cloud: { latency: 50, bandwidth: 10_000 },
    },
    functions: {
      f: { memory: 100, duration: { mean: 0.1, scv: 0 }, start: { mean: 0, scv: 0 } },
    },
    load: [{ nodes: ["gateway"], rate: 15, process: { kind: "constant" } }],
    ...options,
  });
  const { tally } = await simulate(makeScenario(file, 1), "cloudonly", (problem) => {
    assert.fail(problem);
  });
  return tally.classes[0]!;
}

Deno.test("what a node behind a balancer refuses goes to the next, not all the way back", async () => {
  const cloud = { area: "CLOUD", memory: 1000 };
  // Who has to send everything on and knows nobody refuses everything, whatever room it has.
  const nodes = {
    willing: { ...cloud, policy: "default" },
    unwilling: { ...cloud, policy: "cloudonly" },
  };
  const times = async (balanced: readonly string[]) => {
    const { served, arrived, responses } = await throughGateway(nodes, { balanced });
    assert.equal(served, arrived);
    return [...new Set(responses.map(Math.round))].sort((a, b) => a - b);
  };
  // 100 ms of execution, 100 to the area and back, 10 within it for each node that is asked; on the
  // ring the function belongs to the unwilling one.
  assert.deepEqual(await times(["CLOUD"]), [220]);
  // Without a balancer whoever met the wrong node first goes the whole way twice.
  assert.deepEqual(await times([]), [200, 300]);
});

Deno.test("a balancer leaves out a node that fails, and takes it in again", async () => {
  // Each node can run 10 requests a second: both are needed, and enough.
  const nodes = { cloud: { count: 2, area: "CLOUD", memory: 100, queue: 0, policy: "default" } };
  const balanced = ["CLOUD"];
  const fail = { at: 20, fail: ["cloud-1"] };
  const one = await throughGateway(nodes, { balanced, warmup: 25, changes: [fail] });
  // Requests come every 67 ms and take 100: the other node has room for every second.
  assert(Math.abs(one.served / one.arrived - 0.5) < 0.01, `${one.served} of ${one.arrived}`);
  assert.equal(one.served + one.dropped, one.arrived);
  const recover = { at: 40, recover: ["cloud-1"] };
  const both = await throughGateway(nodes, { balanced, warmup: 45, changes: [fail, recover] });
  assert.equal(both.served, both.arrived);
});
