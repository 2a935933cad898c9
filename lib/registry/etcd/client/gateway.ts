/**
 * Sends the calls of etcd3 through etcd's JSON gateway.
 *
 * etcd3's own transport (`@grpc/grpc-js`) is never connected: it creates HTTP/2 sessions on newly
 * connected sockets, and in Deno 2.7.11 some of these never respond
 * (https://github.com/denoland/deno/issues/33009; 11 of 30 first calls of etcd3 hung), nor does it
 * notice that a session has ended (https://github.com/denoland/deno/issues/26907).
 *
 * @see https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
 * @module
 */

import { Buffer } from "node:buffer";
import type { ICallable } from "etcd3/lib/rpc.js";
import * as v from "valibot";
import { ServerledgeError } from "../../../base/errors.ts";

/** Calls the gateway; resolves with the response. */
export type GatewayCall = (path: string, request: unknown, timeoutMs?: number) => Promise<unknown>;

/** The gateway omits empty, zero and false values, which etcd3 expects. */
const int64 = v.optional(v.string(), "0");
const flag = v.optional(v.boolean(), false);
const bytes = v.pipe(
  v.optional(v.string(), ""),
  v.transform((text) => Buffer.from(text, "base64")),
);
const header = v.object({ cluster_id: int64, member_id: int64, revision: int64, raft_term: int64 });

const keyValue = v.object({
  key: bytes,
  create_revision: int64,
  mod_revision: int64,
  version: int64,
  value: bytes,
  lease: int64,
});

const keyValues = v.optional(v.array(keyValue), []);
const range = v.object({ header, kvs: keyValues, more: flag, count: int64 });
const put = v.object({ header, prev_kv: v.optional(v.nullable(keyValue), null) });
const deleteRange = v.object({ header, deleted: int64, prev_kvs: keyValues });
const step = v.partial(
  v.object({ response_range: range, response_put: put, response_delete_range: deleteRange }),
);
const txn = v.object({ header, succeeded: flag, responses: v.optional(v.array(step), []) });
const leaseGrant = v.object({
  header,
  ID: v.string(),
  TTL: int64,
  error: v.optional(v.string(), ""),
});
const leaseRevoke = v.object({ header });

/** Schema of one message of a watch. */
export const watchLineSchema = v.object({
  result: v.optional(v.object({
    header,
    canceled: flag,
    cancel_reason: v.optional(v.string()),
    events: v.optional(
      v.array(v.object({ type: v.optional(v.picklist(["PUT", "DELETE"]), "PUT"), kv: keyValue })),
      [],
    ),
  })),
  error: v.optional(v.object({ message: v.optional(v.string()) })),
});

/** Path and response of each supported method. */
const methods = new Map<string, { path: string; answer: v.GenericSchema }>([
  ["KV.range", { path: "/v3/kv/range", answer: range }],
  ["KV.put", { path: "/v3/kv/put", answer: put }],
  ["KV.deleteRange", { path: "/v3/kv/deleterange", answer: deleteRange }],
  ["KV.txn", { path: "/v3/kv/txn", answer: txn }],
  ["Lease.leaseGrant", { path: "/v3/lease/grant", answer: leaseGrant }],
  ["Lease.leaseRevoke", { path: "/v3/lease/revoke", answer: leaseRevoke }],
]);

/** Fields with enum values: etcd3 writes `NotEqual`, the gateway expects `NOT_EQUAL`. */
const named: readonly string[] = ["result", "target", "sort_order", "sort_target"];

/**
 * Replaces the connections of etcd3's clients.
 *
 * @param call calls the gateway; its errors are passed on
 */
export function gateway(call: GatewayCall): ICallable<never> {
  const calls: Pick<ICallable<never>, "exec"> = {
    async exec<T>(
      service: string,
      name: string,
      request: unknown,
      options: { deadline?: Date | number } = {},
    ): Promise<T> {
      const method = methods.get(`${service}.${name}`);
      if (!method) throw new Error(`The gateway does not support ${service}.${name}`);
      const { deadline } = options;
      const timeoutMs = deadline === undefined ? undefined : Number(deadline) - Date.now();
      const answer = await call(method.path, gatewayRequest(request), timeoutMs);
      return readResponse(method.answer, answer) as T;
    },
  };
  // The missing methods are for streams, which do not use etcd3.
  return calls as ICallable<never>;
}

/** Converts a request of etcd3 for the gateway: bytes to base64, enum values to capitals. */
export function gatewayRequest(request: unknown): unknown {
  if (request instanceof Uint8Array) return request.toBase64();
  if (Array.isArray(request)) return request.map(gatewayRequest);
  if (typeof request !== "object" || request === null) return request;
  return Object.fromEntries(
    Object.entries(request).map(([field, value]) => {
      const name = typeof value === "string" && named.includes(field);
      return [field, name ? capitals(value) : gatewayRequest(value)];
    }),
  );
}

/**
 * Validates a response of the gateway and completes it for etcd3.
 *
 * @throws `REGISTRY_UNAVAILABLE` for an invalid response
 */
export function readResponse<S extends v.GenericSchema>(
  schema: S,
  answer: unknown,
): v.InferOutput<S> {
  const read = v.safeParse(schema, answer, { abortEarly: true });
  if (read.success) return read.output;
  throw new ServerledgeError(
    "REGISTRY_UNAVAILABLE",
    `The registry etcd responded without ${
      v.getDotPath(read.issues[0]) ?? "content"
    }: check that etcd.address is the client address of etcd 3.4 or later`,
  );
}

function capitals(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
