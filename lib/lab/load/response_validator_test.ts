import assert from "node:assert/strict";
import { invocationValidator, plainValidator, validateStatus } from "./response_validator.ts";

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

Deno.test("invocationValidator: returns place and times from a report", () => {
  assert.deepEqual(invocationValidator()(200, encode(report)), {
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

Deno.test("invocationValidator: takes reports without a start tier for warm or cold", () => {
  const tier = (fields: object) =>
    invocationValidator()(200, encode({ ...report, StartTier: undefined, ...fields })).report?.tier;
  assert.equal(tier({ IsWarmStart: true }), "warm");
  assert.equal(tier({}), "cold");
  assert.equal(tier({ StartTier: "__proto__" }), "cold");
});

Deno.test("invocationValidator: compares results as JSON values or as text", () => {
  const outcome = (expected: string, Result: string) =>
    invocationValidator(expected)(200, encode({ ...report, Result })).outcome;
  assert.equal(outcome('{"a":[2],"b":1}', '{"b": 1, "a": [2]}'), "ok");
  assert.equal(outcome('{"a":[3],"b":1}', '{"b": 1, "a": [2]}'), "unexpected_answer");
  assert.equal(outcome("hello", '"hello"'), "ok");
  assert.equal(outcome('"hello"', '"hello"'), "ok");
  assert.equal(outcome("hello", '"hell"'), "unexpected_answer");
  assert.equal(outcome("5", "5"), "ok");
  const validator = invocationValidator("5");
  assert.equal(validator(200, encode({ ...report, Result: "5" })).outcome, "ok");
  assert.equal(validator(200, encode({ ...report, Result: "6" })).outcome, "unexpected_answer");
});

Deno.test("invocationValidator: names failures by the node's code, else by the status", () => {
  const outcome = (status: number, body: unknown) =>
    invocationValidator()(status, encode(body)).outcome;
  assert.equal(outcome(429, { code: "NODE_SATURATED", message: "full" }), "NODE_SATURATED");
  assert.equal(outcome(500, { Success: false, Code: "FUNCTION_ERROR" }), "FUNCTION_ERROR");
  assert.equal(outcome(200, { Success: false }), "FUNCTION_ERROR");
  assert.equal(outcome(503, "no"), "http_503");
  assert.equal(outcome(500, { code: "<script>" }), "http_500");
  assert.equal(
    invocationValidator()(200, new TextEncoder().encode("<html>")).outcome,
    "bad_answer",
  );
});

Deno.test("invocationValidator: keeps the first 300 characters of a message", () => {
  const messageOf = (message: unknown) =>
    invocationValidator()(429, encode({ code: "NODE_SATURATED", message })).message;
  assert.equal(messageOf("full"), "full");
  assert.equal(messageOf("x".repeat(1000))!.length, 300);
  assert.equal(messageOf(5), undefined);
});

Deno.test("plainValidator: validates status and content", () => {
  assert.equal(validateStatus(204).outcome, "ok");
  assert.equal(validateStatus(302).outcome, "http_302");
  const validator = plainValidator("pong");
  const text = (content: string) => new TextEncoder().encode(content);
  assert.equal(validator(200, text("ping pong")).outcome, "ok");
  assert.equal(validator(200, text("ping")).outcome, "unexpected_answer");
  assert.equal(validator(404, text("pong")).outcome, "http_404");
});
