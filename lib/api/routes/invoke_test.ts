import assert from "node:assert/strict";
import {
  fakeServices,
  invocationOf,
  sampleReport,
  sampleResult,
  type TestRequest,
} from "../../../tests/support/fakes/fake_services.ts";
import { type ErrorCode, errorCodes, ServerledgeError } from "../../base/errors.ts";
import type { InvokeRequest, Report } from "../../model/invocation.ts";
import { createApp } from "../app.ts";
import type { ApiServices } from "../services.ts";

/** Invokes a function with a body. Returns the request that the node receives, with parsed parameters. */
async function seen(body: string): Promise<Record<keyof InvokeRequest, unknown> | undefined> {
  let request: Record<keyof InvokeRequest, unknown> | undefined;
  const app = createApp(fakeServices({
    invoke(_name, asked) {
      request = { ...asked, params: parsed(asked) };
      return invocationOf(Promise.resolve(sampleResult));
    },
  }));
  const answer = await app.request("/invoke/hello", { method: "POST", body });
  await answer.body?.cancel();
  return request;
}

function parsed({ params }: InvokeRequest): unknown {
  return JSON.parse(new TextDecoder().decode(params.json));
}

async function post(overrides: Partial<ApiServices>, init: TestRequest = {}) {
  const app = createApp(fakeServices(overrides));
  const answer = await app.request("/invoke/hello", { method: "POST", ...init });
  return { answer, body: await answer.json() };
}

function failing(error: unknown): Partial<ApiServices> {
  return { invoke: () => invocationOf(Promise.reject(error)) };
}

Deno.test("/invoke: responds with the fields of the report in their order", async () => {
  // The report has another order of fields, and an additional one.
  const reversed = Object.fromEntries(Object.entries(sampleResult.report).reverse());
  const report = { extra: 1, ...reversed } as unknown as Report;
  const app = createApp(fakeServices({
    invoke: () => invocationOf(Promise.resolve({ report })),
  }));
  const answer = await app.request("/invoke/hello", { method: "POST" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json; charset=UTF-8");
  assert.equal(await answer.text(), `${JSON.stringify(sampleReport)}\n`);
});

Deno.test("/invoke: gives the same response with and without the router", async () => {
  // Each request has its own app: an app that knows a fast function checks for a disconnect later.
  const send = (path: string, method = "POST") =>
    createApp(fakeServices()).request(path, { method });
  const answers = [];
  for (const path of ["/invoke/hello", "/invoke/hello?x=1", "/invoke/hel%6Co", "/invoke/none"]) {
    const answer = await send(path);
    answers.push([answer.status, await answer.text()]);
  }
  const good = [200, `${JSON.stringify(sampleReport)}\n`];
  assert.deepEqual(answers.slice(0, 3), [good, good, good]);
  assert.equal(answers[3]![0], 404);
  assert.equal((await send("/invoke/hello", "GET")).status, 405);
  assert.equal((await send("/invoke/")).status, 404);
});

Deno.test("/invoke: reports the state of the node to load balancers", async () => {
  const { answer } = await post({}, { headers: { "Serverledge-MAB-Request-ID": "42" } });
  assert.equal(answer.headers.get("Serverledge-Node-Name"), "node1");
  assert.equal(answer.headers.get("Serverledge-Free-Mem"), "896");
  assert.equal(answer.headers.get("Serverledge-Free-CPU"), "1.500000");
  assert.match(answer.headers.get("Serverledge-Timestamp")!, /^\d{10}$/);
  assert.equal(answer.headers.get("Serverledge-Node-Arch"), "amd64");
  assert.equal(answer.headers.get("Serverledge-MAB-Request-ID"), "42");
  const { answer: other } = await post({});
  assert.equal(other.headers.get("Serverledge-MAB-Request-ID"), null);
});

Deno.test("/invoke: error, has the state of the node, except for an unknown function", async () => {
  const busy = await post(failing(new ServerledgeError("NODE_SATURATED", "Full")));
  assert.equal(busy.answer.headers.get("Serverledge-Node-Name"), "node1");
  const app = createApp(fakeServices());
  const unknown = await app.request("/invoke/nothing", { method: "POST" });
  assert.equal(unknown.status, 404);
  assert.equal(unknown.headers.get("Serverledge-Node-Name"), null);
  assert.deepEqual(await unknown.json(), {
    code: "FUNCTION_UNKNOWN",
    message: 'There is no function "nothing"',
  });
});

Deno.test("/invoke: accepts keys in any case, ignores unknown keys, defaults an empty body", async () => {
  const defaults = {
    params: null,
    qosClass: 0,
    maxResponseS: 0,
    locality: "any",
    canOffload: true,
    isAsync: false,
    returnOutput: false,
  };
  assert.deepEqual(await seen(""), defaults);
  assert.deepEqual(await seen('{"params":{},"other":1}'), { ...defaults, params: {} });
  const body = '{"PARAMS":{"a":1},"qosclass":2,"QosMaxRespT":1.5,"candooffloading":false,' +
    '"returnOutput":true}';
  assert.deepEqual(await seen(body), {
    params: { a: 1 },
    qosClass: 2,
    maxResponseS: 1.5,
    locality: "any",
    canOffload: false,
    isAsync: false,
    returnOutput: true,
  });
});

Deno.test("/invoke: rejects an invalid body with the path of the field", async () => {
  const cases = [
    ["{", undefined],
    ["[]", undefined],
    ['{"Params":[]}', "Params"],
    ['{"params":3}', "Params"],
    ['{"QoSClass":1.5}', "QoSClass"],
    ['{"QoSMaxRespT":"soon"}', "QoSMaxRespT"],
    ['{"Async":"yes"}', "Async"],
  ] as const;
  for (const [body, path] of cases) {
    const { answer, body: error } = await post({}, { body });
    assert.equal(answer.status, 400, body);
    assert.equal(error.code, "INVALID_REQUEST");
    assert.equal(error.path, path, body);
  }
});

Deno.test("/invoke: async invocation, returns an id", async () => {
  const { answer, body } = await post({}, { body: '{"async":true}' });
  assert.equal(answer.status, 200);
  assert.deepEqual(body, { ReqId: "hello-1" });
  assert.equal(answer.headers.get("Serverledge-Node-Name"), "node1");
});

Deno.test("/invoke: error, keeps its code, message, details and status", async () => {
  for (const code of errorCodes) {
    const error = new ServerledgeError(code as ErrorCode, "So it is", { details: { a: [1] } });
    const { answer, body } = await post(failing(error));
    assert.equal(answer.status, error.status, code);
    assert.equal(answer.headers.get("content-type"), "application/json; charset=UTF-8");
    assert.deepEqual(body, { code, message: "So it is", a: [1] });
  }
});

Deno.test("/invoke: failure of a function, has its error, traceback and output", async () => {
  const details = {
    error: { type: "ValueError", message: "no" },
    traceback: "Traceback ...",
    output: "before",
  };
  const { answer, body } = await post(
    failing(new ServerledgeError("FUNCTION_ERROR", "hello failed", { details })),
  );
  assert.equal(answer.status, 500);
  assert.deepEqual(body, { code: "FUNCTION_ERROR", message: "hello failed", ...details });
});

Deno.test("/invoke: saturated node, sends Retry-After", async () => {
  const plain = await post(failing(new ServerledgeError("NODE_SATURATED", "Full")));
  assert.equal(plain.answer.status, 429);
  assert.equal(plain.answer.headers.get("Retry-After"), "1");
  const refused = await post(
    failing(new ServerledgeError("NODE_SATURATED", "Full", { details: { retryAfterS: 2.5 } })),
  );
  assert.equal(refused.answer.headers.get("Retry-After"), "3");
});

Deno.test("errorAnswer: details cannot override code and message", async () => {
  const details = { code: "X", message: "Y", path: "Z" };
  const { body } = await post(failing(new ServerledgeError("INTERNAL", "Reported", { details })));
  assert.deepEqual(body, { code: "INTERNAL", message: "Reported", path: "Z" });
});

Deno.test("/invoke: defect of the node, is reported without details", async () => {
  const { answer, body } = await post(failing(new TypeError("secret is not a function")));
  assert.equal(answer.status, 500);
  assert.equal(body.code, "INTERNAL");
  assert.doesNotMatch(JSON.stringify(body), /secret|stack| at /);
});

Deno.test("/invoke: rejects bodies above the limit, with or without a length", async () => {
  const app = createApp(fakeServices({}, { "api.body.max": 1 }));
  const large = new Uint8Array((1 << 20) + 1).fill(32);
  const announced = await app.request("/invoke/hello", {
    method: "POST",
    headers: { "content-length": String(large.length) },
    body: large,
  });
  assert.equal(announced.status, 413);
  assert.deepEqual((await announced.json()).maxBytes, 1 << 20);
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1 << 18));
    },
  });
  const chunked = await app.request("/invoke/hello", { method: "POST", body: endless });
  assert.equal(chunked.status, 413);
  assert.ok(pulled < 10, `stopped reading, ${pulled} chunks`);
});

Deno.test("/invoke: reads a chunked body within the limit completely", async () => {
  let params: unknown;
  const app = createApp(fakeServices({
    invoke(_name, request) {
      params = parsed(request);
      return invocationOf(Promise.resolve(sampleResult));
    },
  }));
  const bytes = new TextEncoder().encode('{"Params":{"name":"Zoë"}}');
  // The chunk ends between the two bytes of a letter.
  const body = ReadableStream.from([bytes.slice(0, 21), bytes.slice(21)]);
  await app.request("/invoke/hello", { method: "POST", body });
  assert.deepEqual(params, { name: "Zoë" });
});

Deno.test("/invoke: client disconnect, cancels the invocation", async () => {
  const client = new AbortController();
  const ends = Promise.withResolvers<never>();
  let cancelled = 0;
  const app = createApp(fakeServices({
    invoke() {
      // The client disconnects as soon as its invocation is in progress.
      queueMicrotask(() => client.abort());
      return invocationOf(ends.promise, () => {
        cancelled++;
        ends.reject(new ServerledgeError("CANCELLED", "The client left"));
      });
    },
  }));
  const request = new Request("http://localhost/invoke/hello", {
    method: "POST",
    signal: client.signal,
  });
  assert.equal((await app.request(request)).status, 499);
  assert.equal(cancelled, 1);
});
