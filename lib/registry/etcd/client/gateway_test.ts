import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { KVClient, LeaseClient } from "etcd3/lib/rpc.js";
import { gateway, gatewayRequest, readResponse, watchLineSchema } from "./gateway.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** A gateway that gives one answer and remembers what it was asked. */
function answering(answer: unknown) {
  const calls: { path: string; request: unknown; timeoutMs: number | undefined }[] = [];
  const carried = gateway((path, request, timeoutMs) => {
    calls.push({ path, request, timeoutMs });
    return Promise.resolve(answer);
  });
  return { calls, carried };
}

Deno.test("gatewayRequest: bytes become base64 and names capitals, at any depth", () => {
  const compare = { target: "Create", result: "NotEqual", key: Buffer.from("k") };
  assert.deepEqual(
    gatewayRequest({
      compare: [compare],
      sort_order: "Descend",
      limit: 5,
      keys_only: true,
      x: null,
    }),
    {
      compare: [{ target: "CREATE", result: "NOT_EQUAL", key: base64("k") }],
      sort_order: "DESCEND",
      limit: 5,
      keys_only: true,
      x: null,
    },
  );
});

Deno.test("gateway: etcd3's call goes to the method's path, its deadline is a time limit", async () => {
  const { calls, carried } = answering({ header: { revision: "7" } });
  const deadline = Date.now() + 5_000;
  await new KVClient(carried).put({ key: Buffer.from("a"), value: Buffer.from("b") }, { deadline });
  assert.equal(calls[0]!.path, "/v3/kv/put");
  assert.deepEqual(calls[0]!.request, { key: base64("a"), value: base64("b") });
  assert(calls[0]!.timeoutMs! > 0 && calls[0]!.timeoutMs! <= 5_000);
});

Deno.test("gateway: values missing in a response are empty, zero or false", async () => {
  const { carried } = answering({ header: {}, kvs: [{ key: base64("a") }] });
  const { kvs, more, count, header } = await new KVClient(carried).range({ key: Buffer.from("a") });
  assert.deepEqual([more, count, header.revision], [false, "0", "0"]);
  assert.equal(kvs[0]!.key.toString(), "a");
  assert.equal(kvs[0]!.value.length, 0);
  assert.equal(kvs[0]!.mod_revision, "0");
});

Deno.test("gateway: a transaction's steps are read by their kind", async () => {
  const { carried } = answering({
    header: { revision: "9" },
    succeeded: true,
    responses: [
      { response_range: { header: {}, kvs: [{ key: base64("k"), value: base64("v") }] } },
      { response_delete_range: { header: {}, deleted: "2" } },
    ],
  });
  const { succeeded, responses } = await new KVClient(carried)
    .txn({ compare: [], success: [], failure: [] });
  assert.equal(succeeded, true);
  assert.equal(responses[0]!.response_range!.kvs[0]!.value.toString(), "v");
  assert.equal(responses[1]!.response_delete_range!.deleted, "2");
});

Deno.test("gateway: rejects the response of another server and names the missing field", async () => {
  const { carried } = answering({ message: "hello" });
  await assert.rejects(new LeaseClient(carried).leaseGrant({ TTL: 10 }), {
    code: "REGISTRY_UNAVAILABLE",
    message: /responded without header/,
  });
});

Deno.test("gateway: rejects an unsupported method", async () => {
  const { carried, calls } = answering({});
  await assert.rejects(
    new KVClient(carried).compact({ revision: "1" }),
    /does not carry KV.compact/,
  );
  assert.deepEqual(calls, []);
});

Deno.test("readResponse: a message of a watch has its changes, cancellation or error", () => {
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
