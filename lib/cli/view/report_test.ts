import assert from "node:assert/strict";
import { ServerledgeError } from "../../base/errors.ts";
import { reportNames } from "../../model/invocation.ts";
import type { Answer } from "../client/client.ts";
import { isPending, readableReport, readReport } from "./report.ts";

function answer(json: unknown, status = 200): Answer {
  return { status, json, text: JSON.stringify(json) };
}

const wire = {
  Success: true,
  Result: '{"a":1}',
  ResponseTime: 0.0021,
  IsWarmStart: true,
  InitTime: 0.0001,
  QueueingTime: 0,
  OffloadLatency: 0,
  Duration: 0.001,
  Output: "",
  ExecutionArea: "ROME",
  ExecutionNode: "n1",
  StartTier: "warm",
};
const report = reportNames.fromWire(wire);

Deno.test("readReport: a response is pending, a report or a failure", () => {
  assert.equal(isPending(answer({ ReqId: "a", Status: "pending" }, 202)), true);
  assert.equal(isPending(answer(wire)), false);
  assert.deepEqual(readReport(answer(wire)), report);
});

Deno.test("readReport: a failed invocation is an error with its code and details", () => {
  const failed = {
    Success: false,
    Code: "FUNCTION_CRASHED",
    Message: "it died",
    Details: { output: "o", exit: 0 },
  };
  assert.throws(() => readReport(answer(failed)), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.deepEqual([error.code, error.message], ["FUNCTION_CRASHED", "it died"]);
    assert.deepEqual([error.details?.output, error.details?.exit], ["o", undefined]);
    return true;
  });
});

Deno.test("readReport: a failure without a code, as from the Go node, is FUNCTION_ERROR", () => {
  for (const body of [{ ...wire, Success: false, Output: "o" }, undefined, []]) {
    assert.throws(
      () => readReport(answer(body)),
      (error) => error instanceof ServerledgeError && error.code === "FUNCTION_ERROR",
    );
  }
});

Deno.test("readableReport: shows the result first, then start and times", () => {
  assert.equal(
    readableReport(report, { colour: false }),
    '{\n  "a": 1\n}\nwarm start, 2.10 ms (execution 1.00 ms) on n1 in ROME',
  );
  const cold = { ...report, isWarmStart: false, result: "1" };
  for (const [startTier, start] of [["shared", "cold start (shared)"], ["", "cold start"]]) {
    assert.ok(
      readableReport({ ...cold, startTier: startTier! }, { colour: false }).startsWith(
        `1\n${start}, `,
      ),
    );
  }
  const queued = { ...report, result: '"text"', queueingTimeS: 1.5, output: "said\n" };
  assert.equal(
    readableReport(queued, { colour: false }),
    "output:\nsaid\ntext\nwarm start, 2.10 ms (execution 1.00 ms, waited 1.5 s) on n1 in ROME",
  );
});
