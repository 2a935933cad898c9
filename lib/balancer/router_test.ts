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

Deno.test("a function keeps its node, and gets its next one when that was tried or is away", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  const [first, second] = [...table.ring.walk("f")] as [string, string];
  assert.equal(idOf(router, "f"), first);
  assert.equal(idOf(router, "f"), first);
  assert.equal(idOf(router, "f", f, new Set([first])), second);
  table.get(first)!.failed("it accepts no connection");
  assert.equal(idOf(router, "f"), second);
  table.get(first)!.passed();
  assert.equal(idOf(router, "f"), first);
});

Deno.test("only architectures that the function runs on are chosen; an unknown function may go anywhere", () => {
  const router = new Router(region(four), 1.25);
  for (let k = 0; k < 20; k++) {
    assert.match(idOf(router, `f${k}`, { ...f, architectures: ["arm64"] })!, /[cd]/);
  }
  assert.equal(idOf(router, "f", { ...f, architectures: ["riscv64"] }), undefined);
  assert.ok(router.forFunction("new", undefined, none));
  assert.equal(new Router(region({}), 1.25).forFunction("f", f, none), undefined);
});

Deno.test("a node without room comes after those with room, but before none", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  const order = [...table.ring.walk("f")];
  const full = { freeMemoryMib: 50, freeCpu: 4 };
  table.get(order[0]!)!.told(full);
  assert.equal(idOf(router, "f"), order[1]);
  for (const { record } of table.all) table.get(record.id)!.told(full);
  assert.equal(idOf(router, "f"), order[0]);
});

Deno.test("a node without the image gets nothing while another has it, and room is no excuse", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  const order = [...table.ring.walk("f")];
  const [first, second, third, fourth] = order.map((id) => table.get(id)!);
  for (const target of [first!, second!, fourth!]) target.lacks(["python", "custom a:1"]);
  third!.told({ freeMemoryMib: 0, freeCpu: 0 });
  assert.equal(idOf(router, "f"), order[2]);
  assert.equal(idOf(router, "f", { ...f, runtime: "nodejs" }), order[0]);
  assert.equal(idOf(router, "f", f, new Set([order[2]!])), order[0], "none is left that has it");
  first!.lacks([]);
  assert.equal(idOf(router, "f"), order[0]);
});

Deno.test("who lacks the image of a function is told once those that have it are full", () => {
  const table = region(four);
  const told: unknown[] = [];
  const router = new Router(table, 1.25, undefined, (wanted, lacking) => {
    told.push([wanted, lacking.map(({ record }) => record.id)]);
  });
  const full = { freeMemoryMib: 0, freeCpu: 0 };
  for (const id of ["a", "b", "c"]) table.get(id)!.lacks(["python"]);
  assert.equal(idOf(router, "f"), "d");
  assert.deepEqual(told, []);
  table.get("d")!.told(full);
  assert.equal(idOf(router, "f"), "d", "it may let the request wait");
  assert.deepEqual(told, [[{ name: "f", need: "python" }, ["a", "b", "c"]]]);
  for (const id of ["a", "b", "c"]) table.get(id)!.lacks([]);
  for (const id of ["a", "b", "c"]) table.get(id)!.told(full);
  idOf(router, "f");
  assert.equal(told.length, 1, "all have it, and all are full");
});

Deno.test("with architecture awareness the architectures take turns, and one that is full is passed over", () => {
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
  for (const id of ["c", "d"]) table.get(id)!.told({ freeMemoryMib: 0, freeCpu: 0 });
  assert.deepEqual([archOf(), archOf()], ["amd64", "amd64"]);
});

Deno.test("requests for any node go round those that are healthy", () => {
  const table = region(four);
  const router = new Router(table, 1.25);
  table.get("b")!.failed("it accepts no connection");
  const chosen = [1, 2, 3].map(() => router.forAny(none)!.target.record.id);
  assert.deepEqual(chosen.toSorted(), ["a", "c", "d"]);
  assert.equal(router.forAny(new Set(["a", "b", "c", "d"])), undefined);
});
