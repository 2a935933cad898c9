import assert from "node:assert/strict";
import { makeScenario, readScenario } from "./scenario/scenario.ts";
import { simulate } from "./simulation.ts";
import type { ClassTally } from "./results/tally.ts";

/** Simulates a gateway that offloads all requests to the nodes of a cloud. */
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

Deno.test("SimBalancer: sends a refused request to the next node directly", async () => {
  const cloud = { area: "CLOUD", memory: 1000 };
  // A node with the policy cloudonly and without a cloud refuses every request.
  const nodes = {
    open: { ...cloud, policy: "default" },
    closed: { ...cloud, policy: "cloudonly" },
  };
  const times = async (balanced: readonly string[]) => {
    const { served, arrived, responses } = await throughGateway(nodes, { balanced });
    assert.equal(served, arrived);
    return [...new Set(responses.map(Math.round))].sort((a, b) => a - b);
  };
  // 100 ms of execution, 100 to the area and back, 10 within it for each node tried; the hash ring
  // assigns the function to the closed one.
  assert.deepEqual(await times(["CLOUD"]), [220]);
  // Without a balancer a refused request crosses the network twice.
  assert.deepEqual(await times([]), [200, 300]);
});

Deno.test("SimBalancer: removes a failed node and adds it again after its restart", async () => {
  // Each node can run 10 requests a second: both are needed, and enough.
  const nodes = { cloud: { count: 2, area: "CLOUD", memory: 100, queue: 0, policy: "default" } };
  const balanced = ["CLOUD"];
  const fail = { at: 20, fail: ["cloud-1"] };
  const one = await throughGateway(nodes, { balanced, warmup: 25, changes: [fail] });
  // Requests arrive every 67 ms and take 100: the other node has room for every second one.
  assert(Math.abs(one.served / one.arrived - 0.5) < 0.01, `${one.served} of ${one.arrived}`);
  assert.equal(one.served + one.dropped, one.arrived);
  const recover = { at: 40, recover: ["cloud-1"] };
  const both = await throughGateway(nodes, { balanced, warmup: 45, changes: [fail, recover] });
  assert.equal(both.served, both.arrived);
});
