import assert from "node:assert/strict";
import situations from "../../examples/policies/situations.json" with { type: "json" };
import { ServerledgeError } from "../base/errors.ts";
import { decisionTable } from "./commands/policy.ts";
import { seededRandom } from "../base/random.ts";
import { readSituations } from "./situations.ts";

Deno.test("what a situation does not tell has a default", () => {
  const given = { situations: [{ name: "s", peers: [{ id: "p" }], cloud: {} }] };
  const { request, view } = readSituations(given).situations[0]!;
  assert.equal(request.budgetMs, Infinity);
  assert.equal(request.qosClass.name, "default");
  assert.ok(Number.isNaN(view.local.executionMs) && Number.isNaN(view.queueWaitMs));
  assert.deepEqual([view.peers[0]!.isCloud, view.peers[0]!.availableMemoryMib], [false, 1024]);
  assert.deepEqual([view.cloud!.isCloud, view.cloud!.availableMemoryMib], [true, Infinity]);
});

Deno.test("a misspelt field is refused with its path", () => {
  const given = { situations: [{ name: "s", node: { warmth: true } }] };
  assert.throws(() => readSituations(given), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.match(error.message, /^situations\.0\.node\.warmth: /);
    return true;
  });
});

Deno.test("the built-in situations can be read", () => {
  assert.ok(readSituations(situations).situations.length >= 10);
});

Deno.test("decisions are described in words, with what follows a failed offload", () => {
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

Deno.test("the same seed draws the same numbers, spread over the interval", () => {
  const [one, other] = [seededRandom(7), seededRandom(7)];
  const numbers = Array.from({ length: 1000 }, one);
  assert.deepEqual(numbers, Array.from({ length: 1000 }, other));
  assert.ok(numbers.every((each) => each >= 0 && each < 1));
  const mean = numbers.reduce((sum, each) => sum + each, 0) / 1000;
  assert.ok(Math.abs(mean - 0.5) < 0.03);
});
