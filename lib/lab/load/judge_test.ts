import assert from "node:assert/strict";
import { invokeJudge, judgeStatus, plainJudge } from "./judge.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const report = {
  Success: true,
  Result: '{"b": 1, "a": [2]}',
  ResponseTime: 0.01,
  IsWarmStart: false,
  StartTier: "shared",
  InitTime: 0.2,
  QueueingTime: 0.001,
  OffloadLatency: 0.05,
  Duration: 0.003,
  Output: "",
  ExecutionArea: "CLOUD",
  ExecutionNode: "cloud-1",
};

Deno.test("a report tells where an invocation ran and how long it took", () => {
  assert.deepEqual(invokeJudge()(200, encode(report)), {
    outcome: "ok",
    report: {
      node: "cloud-1",
      area: "CLOUD",
      tier: "shared",
      executionMs: 3,
      initMs: 200,
      queueingMs: 1,
      offloadMs: 50,
    },
  });
});

Deno.test("a node that tells no start tier is older: its starts are warm or cold", () => {
  const tier = (fields: object) =>
    invokeJudge()(200, encode({ ...report, StartTier: undefined, ...fields })).report?.tier;
  assert.equal(tier({ IsWarmStart: true }), "warm");
  assert.equal(tier({}), "cold");
  assert.equal(tier({ StartTier: "__proto__" }), "cold");
});

Deno.test("a result is compared as a value, or as the text that was returned", () => {
  const outcome = (expected: string, Result: string) =>
    invokeJudge(expected)(200, encode({ ...report, Result })).outcome;
  assert.equal(outcome('{"a":[2],"b":1}', '{"b": 1, "a": [2]}'), "ok");
  assert.equal(outcome('{"a":[3],"b":1}', '{"b": 1, "a": [2]}'), "unexpected_answer");
  assert.equal(outcome("hello", '"hello"'), "ok");
  assert.equal(outcome('"hello"', '"hello"'), "ok");
  assert.equal(outcome("hello", '"hell"'), "unexpected_answer");
  assert.equal(outcome("5", "5"), "ok");
  const judge = invokeJudge("5");
  assert.equal(judge(200, encode({ ...report, Result: "5" })).outcome, "ok");
  assert.equal(judge(200, encode({ ...report, Result: "6" })).outcome, "unexpected_answer");
});

Deno.test("failures are told by the node's code, else by the status", () => {
  const outcome = (status: number, body: unknown) => invokeJudge()(status, encode(body)).outcome;
  assert.equal(outcome(429, { code: "NODE_SATURATED", message: "full" }), "NODE_SATURATED");
  assert.equal(outcome(500, { Success: false, Code: "FUNCTION_ERROR" }), "FUNCTION_ERROR");
  assert.equal(outcome(200, { Success: false }), "FUNCTION_ERROR");
  assert.equal(outcome(503, "no"), "http_503");
  assert.equal(outcome(500, { code: "<script>" }), "http_500");
  assert.equal(invokeJudge()(200, new TextEncoder().encode("<html>")).outcome, "bad_answer");
});

Deno.test("a failure's message is kept, as far as it is short", () => {
  const judged = (message: unknown) =>
    invokeJudge()(429, encode({ code: "NODE_SATURATED", message })).message;
  assert.equal(judged("full"), "full");
  assert.equal(judged("x".repeat(1000))!.length, 300);
  assert.equal(judged(5), undefined);
});

Deno.test("other servers are judged by status, and by what an answer contains", () => {
  assert.equal(judgeStatus(204).outcome, "ok");
  assert.equal(judgeStatus(302).outcome, "http_302");
  const judge = plainJudge("pong");
  const text = (content: string) => new TextEncoder().encode(content);
  assert.equal(judge(200, text("ping pong")).outcome, "ok");
  assert.equal(judge(200, text("ping")).outcome, "unexpected_answer");
  assert.equal(judge(404, text("pong")).outcome, "http_404");
});
