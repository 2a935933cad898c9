import assert from "node:assert/strict";
import type { SandboxSpec } from "../spec.ts";
import { fetchHandler, isFetchObject } from "./fetch_handler.ts";
import type { InvocationContext } from "./loader.ts";

const spec = { env: { GREETING: "hi" } } as unknown as SandboxSpec;
const context = {
  functionName: "My_Function",
  signal: new AbortController().signal,
  remainingMs: () => 5,
} as unknown as InvocationContext;

Deno.test("isFetchObject: recognises an object with a fetch method", () => {
  assert.ok(isFetchObject({ fetch() {} }));
  for (const value of [null, undefined, {}, { fetch: 1 }, () => {}]) {
    assert.ok(!isFetchObject(value));
  }
});

Deno.test("fetchHandler: params that are no HTTP event are posted as JSON", async () => {
  const seen: unknown[] = [];
  const handler = fetchHandler({
    async fetch(request, env) {
      seen.push(request.method, request.url, await request.json(), env);
      return new Response("ok", { status: 202 });
    },
  }, spec);
  assert.deepEqual(await handler({ a: 1 }, context), {
    statusCode: 202,
    headers: Object.assign(Object.create(null), { "content-type": "text/plain;charset=UTF-8" }),
    body: btoa("ok"),
    isBase64Encoded: true,
  });
  assert.deepEqual(seen, ["POST", "http://my-function/", { a: 1 }, { GREETING: "hi" }]);
});

Deno.test("fetchHandler: the call ends after the promises given to waitUntil", async () => {
  let done = false;
  const handler = fetchHandler({
    fetch(_request, _env, ctx) {
      (ctx as { waitUntil(promise: Promise<void>): void }).waitUntil(
        Promise.resolve().then(() => Promise.resolve()).then(() => void (done = true)),
      );
      return new Response(null, { status: 204 });
    },
  }, spec);
  await handler(null, context);
  assert.ok(done);
});

Deno.test("fetchHandler: a result that is no Response fails the call with a TypeError", async () => {
  const handler = fetchHandler({ fetch: () => "text" as unknown as Response }, spec);
  await assert.rejects(async () => await handler(null, context), {
    message: /must return a Response/,
  });
});
