import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { KVClient } from "etcd3/lib/rpc.js";
import { gateway, readResponse, watchLineSchema } from "./gateway.ts";

/** Makes one call, to which the gateway responds with `answer`. */
async function exec(service: string, method: string, request: unknown, answer: unknown) {
  let sent: unknown;
  const result = await gateway((path, body) => {
    sent = { path, body };
    return Promise.resolve(answer);
  }).exec<unknown>(service as "KV", method, request);
  return { sent, result };
}

const header = { revision: "7" };
const wholeHeader = { cluster_id: "0", member_id: "0", revision: "7", raft_term: "0" };

Deno.test("gateway: sends requests with bytes in base64 and enum values in capitals", async () => {
  const { sent } = await exec("KV", "txn", {
    compare: [{
      key: Buffer.from([255, 0]),
      range_end: Buffer.from("result"),
      target: "Mod",
      result: "NotEqual",
      mod_revision: "9007199254740993",
    }],
    success: [{ request_put: { key: Buffer.from("k"), value: Buffer.of(), lease: undefined } }],
    failure: [],
  }, { header });
  assert.deepEqual(sent, {
    path: "/v3/kv/txn",
    body: {
      compare: [{
        key: "/wA=",
        range_end: "cmVzdWx0",
        target: "MOD",
        result: "NOT_EQUAL",
        mod_revision: "9007199254740993",
      }],
      success: [{ request_put: { key: "aw==", value: "", lease: undefined } }],
      failure: [],
    },
  });
});

Deno.test("gateway: returns responses with decoded bytes and the fields that the gateway omits", async () => {
  const kv = {
    key: Buffer.from("k"),
    create_revision: "0",
    mod_revision: "9007199254740993",
    version: "0",
    value: Buffer.of(),
    lease: "0",
  };
  const kvs = [{ key: "aw==", mod_revision: "9007199254740993" }];
  assert.deepEqual((await exec("KV", "range", {}, { header, kvs, count: "1" })).result, {
    header: wholeHeader,
    kvs: [kv],
    more: false,
    count: "1",
  });
  const responses = [{ response_delete_range: { header, deleted: "2" } }];
  assert.deepEqual(
    (await exec("KV", "txn", {}, { header, succeeded: true, responses })).result,
    {
      header: wholeHeader,
      succeeded: true,
      responses: [{ response_delete_range: { header: wholeHeader, deleted: "2", prev_kvs: [] } }],
    },
  );
});

Deno.test("gateway: rejects a response that is not etcd's", async () => {
  for (const answer of [{}, { header: { revision: 7 } }, [], null, "text"]) {
    await assert.rejects(exec("KV", "put", {}, answer), {
      code: "REGISTRY_UNAVAILABLE",
      message: /^[^\n]+$/,
    });
  }
});

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** A gateway that gives one response and records its requests. */
function answering(answer: unknown) {
  const calls: { path: string; request: unknown; timeoutMs: number | undefined }[] = [];
  const carried = gateway((path, request, timeoutMs) => {
    calls.push({ path, request, timeoutMs });
    return Promise.resolve(answer);
  });
  return { calls, carried };
}

Deno.test("gateway: sends etcd3's call to the method's path, with its deadline as a time limit", async () => {
  const { calls, carried } = answering({ header: { revision: "7" } });
  const deadline = Date.now() + 5_000;
  await new KVClient(carried).put({ key: Buffer.from("a"), value: Buffer.from("b") }, { deadline });
  assert.equal(calls[0]!.path, "/v3/kv/put");
  assert.deepEqual(calls[0]!.request, { key: base64("a"), value: base64("b") });
  assert(calls[0]!.timeoutMs! > 0 && calls[0]!.timeoutMs! <= 5_000);
});

Deno.test("gateway: rejects an unsupported method", async () => {
  const { carried, calls } = answering({});
  await assert.rejects(
    new KVClient(carried).compact({ revision: "1" }),
    /does not support KV.compact/,
  );
  assert.deepEqual(calls, []);
});

Deno.test("readResponse: a line of a watch contains changes, a cancellation or an error", () => {
  const kv = { key: base64("k"), mod_revision: "3" };
  const line = { result: { header: { revision: "3" }, events: [{ kv }, { type: "DELETE", kv }] } };
  const { result } = readResponse(watchLineSchema, line);
  assert.deepEqual(result!.events.map(({ type }) => type), ["PUT", "DELETE"]);
  assert.equal(result!.canceled, false);
  const canceled = { result: { header: {}, canceled: true, cancel_reason: "compacted" } };
  assert.equal(readResponse(watchLineSchema, canceled).result!.cancel_reason, "compacted");
  assert.equal(
    readResponse(watchLineSchema, { error: { message: "gone" } }).error!.message,
    "gone",
  );
});
