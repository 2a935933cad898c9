/**
 * What clients of the Go node send, byte for byte where it matters, and what they rely on in the
 * answers: statuses, names and order of fields, headers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code, python } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";

/** Fields of a report, in the order in which the Go node writes them. */
const reportFields = [
  "Success",
  "Result",
  "ResponseTime",
  "IsWarmStart",
  "InitTime",
  "QueueingTime",
  "OffloadLatency",
  "Duration",
  "Output",
  "ExecutionArea",
  "ExecutionNode",
  "StartTier", // ours, behind theirs
];

const source = `
def f(params, context):
    params = params or {}  # a client that sends none makes it None, as on the Go node
    print("called")
    if params.get("fail"): raise ValueError("asked to")
    return {"sum": params.get("a", 0) + params.get("b", 0)}
`;

/** An answer as a client sees it. */
interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any -- answers are looked at field by field
  readonly json: any;
}

/** Sends what Go's HTTP client sends: its agent, compressed answers welcome, a known length. */
async function send(url: string, route: string, body?: string): Promise<Seen> {
  const [method = "", path = ""] = route.split(" ");
  const headers: Record<string, string> = { "User-Agent": "Go-http-client/1.1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`${url}${path}`, { method, body, headers });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

Deno.test("clients of the Go node work unchanged", async (t) => {
  await using node = await startNodeProcess({ config: { "registry.area": "ROME" } });
  const ask = (route: string, body?: string) => send(node.url, route, body);
  // The command line of the Go node encodes its whole structure, zero values included.
  const definition = JSON.stringify({
    Name: "sum",
    Runtime: "python314",
    MemoryMB: 64,
    CPUDemand: 0,
    MaxConcurrency: 1,
    Handler: "main.f",
    TarFunctionCode: await code({ "main.py": source }),
    CustomImage: "",
    SupportedArchs: null,
    Signature: {
      Inputs: [{ Name: "a", Type: "Int" }, { Name: "b", Type: "Int" }],
      Outputs: null,
    },
  });

  await t.step("create", async () => {
    const created = await ask("POST /create", definition);
    assert.equal(created.status, 200, created.text);
    assert.equal(created.text, '{"Created":"sum"}\n');
    assert.equal(created.headers.get("content-type"), "application/json; charset=UTF-8");
    assert.equal((await ask("POST /create", definition)).status, 409);
  });

  await t.step("create refuses with the statuses of the Go node", async () => {
    const lacking = { Name: "x", Runtime: "cobol", MemoryMB: 64 };
    assert.equal((await ask("POST /create", JSON.stringify(lacking))).status, 404);
    const small = JSON.stringify(await python("x", source, { MemoryMB: 0 }));
    assert.equal((await ask("POST /create", small)).status, 422);
  });

  await t.step("update creates or replaces", async () => {
    assert.equal((await ask("POST /update", definition)).text, '{"Created":"sum"}\n');
  });

  await t.step("list", async () => {
    assert.deepEqual((await ask("GET /function")).json, ["sum"]);
    assert.deepEqual((await ask("GET /functions")).json, ["sum"]);
  });

  await t.step("invoke, as sent by the command line", async () => {
    const body = '{"Params":{"a":1,"b":2},"QoSClass":0,"QoSMaxRespT":-1,"CanDoOffloading":true,' +
      '"Async":false,"ReturnOutput":true}';
    const { status, headers, json, text } = await ask("POST /invoke/sum", body);
    assert.equal(status, 200, text);
    assert.deepEqual(Object.keys(json), reportFields);
    assert.equal(json.Success, true);
    assert.equal(typeof json.Result, "string");
    assert.deepEqual(JSON.parse(json.Result), { sum: 3 });
    assert.match(json.Output, /called/);
    assert.equal(json.ExecutionArea, "ROME");
    assert.equal(json.ExecutionNode, headers.get("Serverledge-Node-Name"));
    for (
      const field of ["ResponseTime", "InitTime", "QueueingTime", "OffloadLatency", "Duration"]
    ) {
      assert.equal(typeof json[field], "number", field);
    }
  });

  await t.step("invoke with keys in lower case, unknown keys, no body", async () => {
    const lower = await ask("POST /invoke/sum", '{"params":{"a":4},"something":{"else":1}}');
    assert.deepEqual(JSON.parse(lower.json.Result), { sum: 4 });
    assert.equal((await ask("POST /invoke/sum", '{"params":{}}')).status, 200);
    assert.deepEqual(JSON.parse((await ask("POST /invoke/sum")).json.Result), { sum: 0 });
  });

  await t.step("invoke returns the node's state for load balancers", async () => {
    const answer = await fetch(`${node.url}/invoke/sum`, {
      method: "POST",
      headers: { "Serverledge-MAB-Request-ID": "abc" },
    });
    await answer.body?.cancel();
    const { headers } = answer;
    assert.match(headers.get("Serverledge-Free-Mem")!, /^\d+$/);
    assert.match(headers.get("Serverledge-Free-CPU")!, /^\d+\.\d{6}$/);
    assert.match(headers.get("Serverledge-Timestamp")!, /^\d{10}$/);
    assert.match(headers.get("Serverledge-Node-Arch")!, /^(amd64|arm64)$/);
    assert.equal(headers.get("Serverledge-MAB-Request-ID"), "abc");
  });

  await t.step("invoke fails with the statuses of the Go node", async () => {
    const unknown = await ask("POST /invoke/nothing", "{}");
    assert.equal(unknown.status, 404);
    assert.equal(unknown.headers.get("Serverledge-Node-Name"), null);
    const failed = await ask("POST /invoke/sum", '{"Params":{"fail":true}}');
    assert.equal(failed.status, 500);
    assert.equal(failed.json.code, "FUNCTION_ERROR");
    assert.equal((await ask("GET /invoke/sum")).status, 405);
  });

  await t.step("async invocations are polled", async () => {
    const accepted = await ask("POST /invoke/sum", '{"Params":{"a":5},"Async":true}');
    assert.equal(accepted.status, 200);
    assert.deepEqual(Object.keys(accepted.json), ["ReqId"]);
    const path = `GET /poll/${accepted.json.ReqId}`;
    let polled = await ask(path);
    await eventually("the async invocation has ended", async () => {
      polled = await ask(path);
      return polled.status === 200;
    });
    assert.deepEqual(Object.keys(polled.json), reportFields);
    assert.deepEqual(JSON.parse(polled.json.Result), { sum: 5 });
    assert.equal((await ask("GET /poll/sum-nothing")).status, 404);
  });

  await t.step("a failed async invocation is reported as Success false", async () => {
    const accepted = await ask("POST /invoke/sum", '{"Params":{"fail":true},"Async":true}');
    const path = `GET /poll/${accepted.json.ReqId}`;
    await eventually("it has failed", async () => (await ask(path)).status === 200);
    const { json } = await ask(path);
    assert.deepEqual(Object.keys(json).slice(0, reportFields.length), reportFields);
    assert.equal(json.Success, false);
    assert.equal(json.Code, "FUNCTION_ERROR");
  });

  await t.step("prewarm", async () => {
    const body = '{"Function":"sum","Instances":1,"ForceImagePull":false}';
    const { status, json } = await ask("POST /prewarm", body);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ["Prewarmed"]);
    assert.equal((await ask("POST /prewarm", '{"Function":"nothing","Instances":1}')).status, 404);
  });

  await t.step("status has the fields of the Go node", async () => {
    const { json } = await ask("GET /status");
    assert.deepEqual(Object.keys(json).slice(0, 9), [
      "AvailableWarmContainers",
      "TotalMemory",
      "AvailableMemory",
      "FreeMemory",
      "TotalCPU",
      "UsedCPU",
      "Coordinates",
      "LoadAvg",
      "LastUpdateTime",
    ]);
    assert.equal(json.Coordinates.Vec.length, 3);
    assert.equal(json.LoadAvg.length, 3);
    assert.ok(json.AvailableWarmContainers.sum >= 1);
  });

  await t.step("metrics have the names of the Go node", async () => {
    const { status, text } = await ask("GET /metrics");
    assert.equal(status, 200);
    for (const name of ["completed_count", "cold_starts_count", "execution_time", "init_time"]) {
      assert.ok(text.includes(name), name);
    }
  });

  await t.step("delete, as sent by the command line", async () => {
    // It encodes a whole function with only the name set.
    const body = '{"Name":"sum","Runtime":"","MemoryMB":0,"CPUDemand":0,"MaxConcurrency":0,' +
      '"Handler":"","TarFunctionCode":"","CustomImage":"","SupportedArchs":null,"Signature":null}';
    assert.equal((await ask("POST /delete", body)).text, '{"Deleted":"sum"}\n');
    assert.equal((await ask("POST /delete", body)).status, 404);
    assert.equal((await ask("POST /invoke/sum", "{}")).status, 404);
  });
});
