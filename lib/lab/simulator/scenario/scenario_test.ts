import assert from "node:assert/strict";
import { makeScenario, readScenario } from "./scenario.ts";

const good = {
  about: "Two areas",
  duration: 10,
  nodes: {
    edge: { count: 2, areas: 3, area: "EDGE", memory: 1024 },
    cloud: { area: "CLOUD", memory: 65536, policy: "default" },
  },
  network: { edge: { latency: 5, bandwidth: 100 }, cloud: { latency: 50, bandwidth: 10 } },
  classes: { fast: { limit: 0.3 } },
  functions: {
    f: { count: 2, memory: { uniform: [100, 200] }, duration: { mean: 1 }, start: { mean: 1 } },
    g: { memory: 128, duration: { mean: 1 }, start: { mean: 1 } },
  },
  load: [{ nodes: ["edge-1"], functions: ["f"], rate: 1, mix: { fast: 1 }, to: 10 }],
};

/** The scenario with one value replaced. */
function altered(path: string, value: unknown): unknown {
  const copy = structuredClone(good) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop()!;
  const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
  parent[last] = value;
  return copy;
}

Deno.test("makeScenario: expands groups to nodes and functions with names and areas", () => {
  const { nodes, functions, load } = makeScenario(readScenario(good), 1);
  assert.deepEqual(
    nodes.map(({ id, area }) => `${id} ${area}`),
    ["edge-1 EDGE-1", "edge-2 EDGE-1", "edge-3 EDGE-2", "edge-4 EDGE-2", "edge-5 EDGE-3"].concat(
      ["edge-6 EDGE-3", "cloud CLOUD"],
    ),
  );
  assert.deepEqual(functions.map(({ name }) => name), ["f-1", "f-2", "g"]);
  assert.deepEqual(load.map(({ node, fn }) => `${node} ${fn.name}`), ["edge-1 f-1", "edge-1 f-2"]);
});

Deno.test("makeScenario: draws the same numbers for equal seeds, and others for different ones", () => {
  const file = readScenario(good);
  const drawn = (seed: number) =>
    makeScenario(file, seed).functions.map(({ memoryMib }) => memoryMib);
  assert.deepEqual(drawn(1), drawn(1));
  assert.notDeepEqual(drawn(1), drawn(2));
  for (const memory of drawn(1).slice(0, 2)) assert(memory >= 100 && memory <= 200);
});

for (
  const [path, value, where] of [
    ["duration", -1, "duration"],
    ["about", undefined, "about"],
    ["nodes.edge", { count: 2, area: "EDGE", memory: "much" }, "nodes.edge.memory"],
    ["nodes.edge.color", "red", "nodes.edge.color"],
    ["load.0.nodes", ["edge-9"], "load.0.nodes"],
    ["load.0.functions", ["h"], "load.0.functions"],
    ["balanced", ["CLOUD", "MOON"], "balanced.1"],
    ["load.0.mix", { slow: 1 }, "load.0.mix.slow"],
    ["load.0.process", { kind: "mmpp", peak: 4, share: 0.5, stay: 1 }, "load.0.process"],
    ["functions.f.memory", { uniform: [1] }, "functions.f.memory"],
    ["functions.f.memory", { uniform: [200, 100] }, "functions.f.memory"],
    ["functions.f.memory", { uniform: [100, 65537] }, "functions.f.memory"],
    ["functions.f.memory", { choice: [100, 65537] }, "functions.f.memory"],
    ["functions.f-1", good.functions.g, "functions.f-1"],
    ["functions", {}, "functions"],
    ["nodes", [], "nodes"],
    ["nodes.edge-2", { area: "EDGE", memory: 1024 }, "nodes.edge-2"],
    ["cloud", "CLOUDD", "cloud"],
    ["classes.slow", { id: 1 }, "classes.slow.id"],
    ["load.0.nodes", [], "load.0.nodes"],
    ["load.0.mix", { fast: 0 }, "load.0.mix"],
    ["load.0.from", 20, "load.0.to"],
    ["warmup", 10, "warmup"],
    ["settings", { "plan.interval": 0 }, "settings.plan.interval"],
    ["settings", { "plan.interval": "0.001" }, "settings.plan.interval"],
    ["settings", { "plan.interval": "often" }, "settings.plan.interval"],
    ["changes", [{ at: 1, fail: [] }], "changes.0.fail"],
    ["changes", [{ at: 1, slow: { nodes: ["nobody"], factor: 2 } }], "changes.0.slow.nodes"],
  ] as const
) {
  Deno.test(`readScenario: reports the path of an error: ${where}`, () => {
    assert.throws(() => readScenario(altered(path, value)), {
      code: "INVALID_REQUEST",
      details: { path: where },
    });
  });
}

Deno.test("makeScenario: lets a class replace the default one by name or id", () => {
  const mixOf = (classes: object, mix: object) => {
    const file = { ...good, classes, load: [{ nodes: ["edge-1"], rate: 1, mix }] };
    return makeScenario(readScenario(file), 1).load[0]!.mix.map(({ qosClass }) => qosClass);
  };
  const named = { default: { limit: 2 }, other: {} };
  for (const mix of [{}, { default: 1 }]) {
    const [found] = mixOf(named, mix);
    assert.deepEqual([found!.name, found!.id, found!.limit], ["default", 0, 2]);
  }
  assert.deepEqual(mixOf({ fast: { id: 0 } }, {}).map(({ name }) => name), ["fast"]);
  const load = [{ nodes: ["edge-1"], rate: 1 }];
  const { classes } = makeScenario(readScenario({ ...good, classes: named, load }), 1);
  assert.deepEqual(classes.map(({ name, id }) => [name, id]), [["default", 0], ["other", 2]]);
});

Deno.test("readScenario: accepts a scenario without a cloud", () => {
  const { cloud: _, ...nodes } = good.nodes;
  readScenario({ ...good, nodes });
});
