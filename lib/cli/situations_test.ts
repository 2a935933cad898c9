import assert from "node:assert/strict";
import situations from "../../examples/policies/situations.json" with { type: "json" };
import { ServerledgeError } from "../base/errors.ts";
import { decisionTable } from "./commands/policy.ts";
import { seededRandom } from "../base/random.ts";
import { readSituations } from "./situations.ts";

Deno.test("readSituations: absent fields have defaults", () => {
  const given = { situations: [{ name: "s", peers: [{ id: "p" }], cloud: {} }] };
  const { request, view } = readSituations(given).situations[0]!;
  assert.equal(request.budgetMs, Infinity);
  assert.equal(request.qosClass.name, "default");
  assert.ok(Number.isNaN(view.local.executionMs) && Number.isNaN(view.queueWaitMs));
  assert.deepEqual([view.peers[0]!.isCloud, view.peers[0]!.availableMemoryMib], [false, 1024]);
  assert.deepEqual([view.cloud!.isCloud, view.cloud!.availableMemoryMib], [true, Infinity]);
});

Deno.test("readSituations: a misspelt field is refused with its path", () => {
  const given = { situations: [{ name: "s", node: { warmth: true } }] };
  assert.throws(() => readSituations(given), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.match(error.message, /^situations\.0\.node\.warmth: /);
    return true;
  });
});

Deno.test("readSituations: reads the built-in situations", () => {
  assert.ok(readSituations(situations).situations.length >= 10);
});

Deno.test("decisionTable: describes decisions in words, with those after a failed offload", () => {
  const table = decisionTable([
    { Situation: "a", Decisions: [{ kind: "offload", to: "n2" }, { kind: "run" }] },
    { Situation: "b", Decisions: [{ kind: "reject", code: "NODE_SATURATED" }] },
  ]);
  assert.equal(
    table,
    "SITUATION  DECISION               IF THAT FAILS\n" +
      "a          offload to n2          run\n" +
      "b          reject NODE_SATURATED",
  );
});

Deno.test("seededRandom: the same seed gives the same numbers, spread over the interval", () => {
  const [one, other] = [seededRandom(7), seededRandom(7)];
  const numbers = Array.from({ length: 1000 }, one);
  assert.deepEqual(numbers, Array.from({ length: 1000 }, other));
  assert.ok(numbers.every((each) => each >= 0 && each < 1));
  const mean = numbers.reduce((sum, each) => sum + each, 0) / 1000;
  assert.ok(Math.abs(mean - 0.5) < 0.03);
});
