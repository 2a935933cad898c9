import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { ArchitectureChooser } from "./architectures/architecture.ts";
import { Router } from "./router.ts";
import { TargetTable } from "./target_table.ts";

function region(nodes: Record<string, string>) {
  const table = new TargetTable({ area: "CLOUD", replicas: 64, clock: new ManualClock() });
  for (const [id, architecture] of Object.entries(nodes)) {
    table.put({
      id,
      area: "CLOUD",
      role: "node",
      url: "http://10.0.0.1:1323",
      udp: "",
      architecture,
      incarnation: "1",
    });
  }
  return table;
}

const f = {
  memoryMib: 100,
  cpu: 1,
  architectures: ["amd64", "arm64"],
  runtime: "python",
  customImage: "",
};
const none: ReadonlySet<string> = new Set();
const four = { a: "amd64", b: "amd64", c: "arm64", d: "arm64" };
const idOf = (router: Router, name: string, record = f, tried = none) =>
  router.forFunction(name, record, tried)?.target.record.id;

Deno.test("Router: a function keeps its node, and moves to the next if that was tried or is unhealthy", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  const [first, second] = [...table.ring.walk("f")] as [string, string];
  assert.equal(idOf(router, "f"), first);
  assert.equal(idOf(router, "f"), first);
  assert.equal(idOf(router, "f", f, new Set([first])), second);
  table.get(first)!.markUnhealthy("it does not accept connections");
  assert.equal(idOf(router, "f"), second);
  table.get(first)!.checkPassed();
  assert.equal(idOf(router, "f"), first);
});

Deno.test("Router: chooses supported architectures only, and any for an unknown function", () => {
  const router = new Router(region(four), 1.25);
  for (let k = 0; k < 20; k++) {
    assert.match(idOf(router, `f${k}`, { ...f, architectures: ["arm64"] })!, /[cd]/);
  }
  assert.equal(idOf(router, "f", { ...f, architectures: ["riscv64"] }), undefined);
  assert.ok(router.forFunction("new", undefined, none));
  assert.equal(new Router(region({}), 1.25).forFunction("f", f, none), undefined);
});

Deno.test("Router: prefers nodes with free resources, but falls back to overloaded ones", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  const order = [...table.ring.walk("f")];
  const full = { freeMemoryMib: 50, freeCpu: 4 };
  table.get(order[0]!)!.updateResources(full);
  assert.equal(idOf(router, "f"), order[1]);
  for (const { record } of table.all) table.get(record.id)!.updateResources(full);
  assert.equal(idOf(router, "f"), order[0]);
});

Deno.test("Router: excludes nodes without the image while another has it, even an overloaded one", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  const order = [...table.ring.walk("f")];
  const [first, second, third, fourth] = order.map((id) => table.get(id)!);
  for (const target of [first!, second!, fourth!]) {
    target.updateMissingImages(["python", "custom a:1"]);
  }
  third!.updateResources({ freeMemoryMib: 0, freeCpu: 0 });
  assert.equal(idOf(router, "f"), order[2]);
  assert.equal(idOf(router, "f", { ...f, runtime: "nodejs" }), order[0]);
  assert.equal(idOf(router, "f", f, new Set([order[2]!])), order[0], "no remaining node has it");
  first!.updateMissingImages([]);
  assert.equal(idOf(router, "f"), order[0]);
});

Deno.test("Router: reports nodes without the image once those that have it are overloaded", () => {
  const table = region(four);
  const reported: unknown[] = [];
  const router = new Router(table, 1.25, undefined, (wanted, lacking) => {
    reported.push([wanted, lacking.map(({ record }) => record.id)]);
  });
  const full = { freeMemoryMib: 0, freeCpu: 0 };
  for (const id of ["a", "b", "c"]) table.get(id)!.updateMissingImages(["python"]);
  assert.equal(idOf(router, "f"), "d");
  assert.deepEqual(reported, []);
  table.get("d")!.updateResources(full);
  assert.equal(idOf(router, "f"), "d", "it may let the request wait");
  assert.deepEqual(reported, [[{ name: "f", need: "python" }, ["a", "b", "c"]]]);
  for (const id of ["a", "b", "c"]) table.get(id)!.updateMissingImages([]);
  for (const id of ["a", "b", "c"]) table.get(id)!.updateResources(full);
  idOf(router, "f");
  assert.equal(reported.length, 1, "all have it, and all are full");
});

Deno.test("Router: architectures alternate, and overloaded ones are skipped", () => {
  const table = region(four);
  const chooser = new ArchitectureChooser(
    {
      "lb.mode": "RoundRobin",
      "mab.policy": "UCB1",
      "mab.ucb1.c": 0.8,
      "mab.linucb.alpha": 0.1,
      "mab.linucb.lambda": 0,
    },
    () => 0,
  );
  const router = new Router(table, 1.25, chooser);
  const archOf = (record = f) => router.forFunction("f", record, none)!.target.record.architecture;
  assert.deepEqual([archOf(), archOf(), archOf()], ["amd64", "arm64", "amd64"]);
  assert.equal(archOf({ ...f, architectures: ["amd64"] }), "amd64");
  for (const id of ["c", "d"]) table.get(id)!.updateResources({ freeMemoryMib: 0, freeCpu: 0 });
  assert.deepEqual([archOf(), archOf()], ["amd64", "amd64"]);
});

Deno.test("Router: forAny alternates between the healthy nodes", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  table.get("b")!.markUnhealthy("it does not accept connections");
  const chosen = [1, 2, 3].map(() => router.forAny(none)!.target.record.id);
  assert.deepEqual(chosen.toSorted(), ["a", "c", "d"]);
  assert.equal(router.forAny(new Set(["a", "b", "c", "d"])), undefined);
});
