import assert from "node:assert/strict";
import { fakeServices, sampleReport } from "../../../tests/support/fakes/fake_services.ts";
import { unlimitedGrant } from "../../access/key.ts";
import { GrantedPrincipal } from "../../access/principal.ts";
import type { ImageView } from "../../images/status.ts";
import { reportNames } from "../../model/invocation.ts";
import { ServerledgeError } from "../../base/errors.ts";
import {
  type Definition,
  functionNames,
  type FunctionRecord,
  readDefinition,
} from "../../model/function.ts";
import { sliceBytes } from "../../base/slices.ts";
import { incomingRequest } from "../../http/server/web.ts";
import { createApp } from "../app.ts";
import type { ApiServices } from "../services.ts";

/** Sends a request to a fake node. An object as body is sent as JSON. */
async function ask(
  route: string,
  { services = {}, config = {}, body, ...init }: {
    services?: Partial<ApiServices>;
    config?: Record<string, unknown>;
    body?: unknown;
    headers?: Record<string, string>;
  } = {},
) {
  const [method = "", path = ""] = route.split(" ");
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const app = createApp(fakeServices(services, config));
  const answer = await app.request(path, { method, body: text, ...init });
  assert.equal(answer.headers.get("content-type"), "application/json; charset=UTF-8");
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

const definition = { Name: "hello", Runtime: "python", MemoryMB: 128 };

Deno.test("/create, /update: register a definition with keys in any case", async () => {
  for (const action of ["create", "update"] as const) {
    let saved: Definition | undefined;
    const { status, body } = await ask(`POST /${action}`, {
      body: { name: "hello", RUNTIME: "python", memorymb: 128, timeoutMS: 50, x: 1 },
      services: {
        [action](given: Definition) {
          saved = given;
          return Promise.resolve();
        },
      },
    });
    assert.equal(status, 200);
    assert.deepEqual(body, { Created: "hello" });
    assert.deepEqual(saved, readDefinition({ ...definition, TimeoutMs: 50 }));
  }
});

Deno.test("/create: rejects an invalid definition with the path of the field", async () => {
  const cases: [unknown, number, string | undefined][] = [
    ["", 400, undefined],
    ["nonsense", 400, undefined],
    [[], 400, undefined],
    [{}, 400, "Name"],
    [{ ...definition, Name: "../x" }, 400, "Name"],
    [{ ...definition, MemoryMB: "128" }, 400, "MemoryMB"],
    [{ ...definition, MemoryMB: 0 }, 422, "MemoryMB"],
    [{ ...definition, CPUDemand: -1025 }, 422, "CPUDemand"],
    [{ ...definition, Env: { "A B": "x" } }, 422, "Env.A B"],
    [{ ...definition, Network: "host" }, 400, "Network"],
  ];
  for (const [body, status, path] of cases) {
    const answer = await ask("POST /create", { body });
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.equal(answer.body.path, path, JSON.stringify(body));
  }
});

Deno.test("/create: returns the error of the node", async () => {
  for (const code of ["FUNCTION_EXISTS", "RUNTIME_UNKNOWN", "REGISTRY_UNAVAILABLE"] as const) {
    const error = new ServerledgeError(code, "Because");
    const create = () => Promise.reject(error);
    const { status, body } = await ask("POST /create", { body: definition, services: { create } });
    assert.equal(status, error.status);
    assert.deepEqual(body, { code, message: "Because" });
  }
});

Deno.test("/delete: removes a function", async () => {
  assert.deepEqual((await ask("POST /delete", { body: { name: "hello" } })).body, {
    Deleted: "hello",
  });
  assert.equal((await ask("POST /delete", { body: { Name: "nothing" } })).status, 404);
  const { status, body } = await ask("POST /delete", { body: {} });
  assert.equal(status, 400);
  assert.deepEqual(body, {
    code: "INVALID_REQUEST",
    message: "Name: is required",
    path: "Name",
  });
});

Deno.test("/function: lists names, or details on request", async () => {
  const { code: _, ...rest } = readDefinition(definition);
  const record: FunctionRecord = { ...rest, codeHash: "00", version: "1" };
  const services = { functions: () => [record] };
  assert.deepEqual((await ask("GET /function", { services })).body, ["hello"]);
  assert.deepEqual((await ask("GET /functions?details=false", { services })).body, ["hello"]);
  assert.deepEqual((await ask("GET /function?details=true", { services })).body, [
    functionNames.toWire(record),
  ]);
  assert.equal((await ask("GET /function?details=1", { services })).status, 400);
});

Deno.test("/prewarm: returns the number of started instances", async () => {
  let asked: unknown;
  const prewarm: ApiServices["prewarm"] = (...given) => {
    asked = given;
    return Promise.resolve(1);
  };
  const body = { function: "hello", instances: 3, forceimagepull: true };
  assert.deepEqual((await ask("POST /prewarm", { body, services: { prewarm } })).body, {
    Prewarmed: 1,
  });
  assert.deepEqual(asked, ["hello", 3, { refresh: true }]);
  const none = await ask("POST /prewarm", { body: { Function: "hello" } });
  assert.deepEqual(none.body, { Prewarmed: 0 });
  assert.equal((await ask("POST /prewarm", { body: { Function: "nothing" } })).status, 404);
  for (const Instances of [-1, 1.5, "2", 1001]) {
    const bad = await ask("POST /prewarm", { body: { Function: "hello", Instances } });
    assert.equal(bad.body.path, "Instances");
    assert.equal(bad.status, 400);
  }
});

Deno.test("/poll: distinguishes done, failed, pending and unknown invocations", async () => {
  const services = (result: Awaited<ReturnType<ApiServices["poll"]>>) => ({
    services: { poll: () => Promise.resolve(result) },
  });
  const done = await ask(
    "GET /poll/hello-1",
    services({ state: "done", report: reportNames.fromWire(sampleReport) }),
  );
  assert.equal(done.status, 200);
  assert.equal(JSON.stringify(done.body), JSON.stringify(sampleReport));
  const failed = await ask(
    "GET /poll/hello-1",
    services({ state: "failed", code: "FUNCTION_ERROR", message: "No", details: { output: "x" } }),
  );
  assert.equal(failed.status, 200);
  assert.deepEqual(failed.body, {
    Success: false,
    Result: "",
    ResponseTime: 0,
    IsWarmStart: false,
    InitTime: 0,
    QueueingTime: 0,
    OffloadLatency: 0,
    Duration: 0,
    Output: "",
    ExecutionArea: "",
    ExecutionNode: "",
    StartTier: "",
    Code: "FUNCTION_ERROR",
    Message: "No",
    Details: { output: "x" },
  });
  const pending = await ask(
    "GET /poll/hello-1",
    services({ state: "pending", node: "node1", since: 0 }),
  );
  assert.equal(pending.status, 202);
  assert.deepEqual(pending.body, { ReqId: "hello-1", Status: "pending" });
  const unknown = await ask("GET /poll/hello-1", services(undefined));
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.code, "RESULT_UNKNOWN");
});

Deno.test("/poll: only a long response keeps memory reserved until it is sent", async () => {
  for (const output of ["short", "x".repeat(sliceBytes)]) {
    const report = reportNames.fromWire({ ...sampleReport, Output: output });
    const services = fakeServices({
      poll(_id, reserve) {
        reserve(1000);
        return Promise.resolve({ state: "done", report });
      },
    });
    const request = incomingRequest(new Request("http://localhost/poll/hello-1"));
    const { held } = await createApp(services).handle(request);
    const isLong = output !== "short";
    assert.equal(held !== undefined, isLong);
    assert.equal(services.bodies.reserved, isLong ? 1000 : 0);
  }
});

Deno.test("/status: returns the status of the node unchanged", async () => {
  const { status, body } = await ask("GET /status");
  assert.equal(status, 200);
  assert.equal(body.TotalMemory, 1024);
  assert.deepEqual(body.AvailableWarmContainers, { hello: 1 });
});

Deno.test("/healthz: node is healthy while it can serve any request", async () => {
  const cases = [
    [{ ok: true, problems: [] }, 200, "ok"],
    [{ ok: true, problems: ["etcd is away"] }, 200, "degraded"],
    [{ ok: false, problems: ["shutting down"] }, 503, "unavailable"],
  ] as const;
  for (const [{ ok, problems }, status, Status] of cases) {
    const health = () => ({ ok, problems: [...problems] });
    const answer = await ask("GET /healthz", { services: { health } });
    assert.equal(answer.status, status);
    assert.deepEqual(answer.body, { Status, Problems: problems, Node: "node1" });
  }
});

Deno.test("/metrics: returns text, or 404 if metrics are off", async () => {
  const answer = await createApp(fakeServices()).request("/metrics");
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(await answer.text(), "up 1\n");
  const off = await ask("GET /metrics", { config: { "metrics.enabled": false } });
  assert.equal(off.status, 404);
  assert.equal(off.body.code, "ROUTE_UNKNOWN");
});

Deno.test("/logs: returns the last lines of a function", async () => {
  let lines = 0;
  const logs: ApiServices["logs"] = (_name, asked) => {
    lines = asked;
    return Promise.resolve(["a", "b"]);
  };
  const { body } = await ask("GET /logs/hello?lines=7", { services: { logs } });
  assert.deepEqual(body, { Function: "hello", Lines: ["a", "b"] });
  assert.equal(lines, 7);
  await ask("GET /logs/hello", { services: { logs } });
  assert.equal(lines, 100);
  for (const bad of ["0", "-1", "x", "10001", "1e3"]) {
    const answer = await ask(`GET /logs/hello?lines=${bad}`, { services: { logs } });
    assert.equal(answer.status, 400, bad);
    assert.equal(answer.body.path, "lines");
  }
  assert.equal((await ask("GET /logs/nothing")).status, 404);
});

Deno.test("createApp: distinguishes unknown paths and wrong methods", async () => {
  const unknown = await ask("GET /nothing/here");
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.code, "ROUTE_UNKNOWN");
  const wrong = await ask("GET /invoke/hello");
  assert.equal(wrong.status, 405);
  assert.equal(wrong.body.code, "METHOD_NOT_ALLOWED");
  assert.equal(wrong.headers.get("Allow"), "POST");
  const list = await ask("DELETE /function");
  assert.equal(list.status, 405);
  assert.equal(list.headers.get("Allow"), "GET");
});

Deno.test("/images: fetches and removes requested images, by default missing or unneeded ones", async () => {
  const calls: unknown[] = [];
  const services: Partial<ApiServices> = {
    pullImages(names, options) {
      calls.push([names, options]);
      return Promise.resolve({ pulled: [...names], present: [] });
    },
    pruneImages(options) {
      calls.push(options);
      return Promise.resolve({ dryRun: options.dryRun, removed: [], kept: [] });
    },
  };
  const pulled = await ask("POST /images/pull", { services, body: { images: ["a/b:1"] } });
  assert.deepEqual(pulled.body, { Pulled: ["a/b:1"], Present: [] });
  await ask("POST /images/pull", { services, body: {} });
  await ask("POST /images/prune", { services, body: { dryrun: true } });
  await ask("POST /images/prune", { services, body: { Unpublished: true } });
  assert.deepEqual(calls, [
    [["a/b:1"], { refresh: false }],
    [[], { refresh: false }],
    { dryRun: true, unpublished: false },
    { dryRun: false, unpublished: true },
  ]);
  for (const Images of ["a", ["-x"], ["a b"], [1], Array(101).fill("a")]) {
    const { status } = await ask("POST /images/pull", { services, body: { Images } });
    assert.equal(status, 400, JSON.stringify(Images));
  }
  assert.equal(calls.length, 4);
});

Deno.test("/policy: shows estimates and decisions, or reports that the policy learns nothing", async () => {
  const plain = await ask("GET /policy");
  assert.deepEqual(plain.body, {
    Node: "node1",
    Policy: "default",
    Explains: false,
    Estimates: {},
    Decisions: [],
  });
  const decision = { kind: "offload", to: "edge-2" } as const;
  const explanation = {
    estimates: { functions: [{ function: "f", executionMs: 12 }] },
    decisions: [{ agoMs: 3, functionName: "f", qosClass: "fast", decision, reason: "best" }],
  };
  const { body } = await ask("GET /policy", {
    services: { policy: () => ({ name: "adaptive", ...explanation }) },
  });
  assert.equal(body.Explains, true);
  assert.deepEqual(body.Estimates, explanation.estimates);
  assert.deepEqual(body.Decisions, [
    { AgoMs: 3, Function: "f", Class: "fast", Decision: "offload", To: "edge-2", Reason: "best" },
  ]);
});

/** Services whose client is a viewer of functions named `cam-*`. */
function forViewer(services: Partial<ApiServices>): Partial<ApiServices> {
  const grant = { ...unlimitedGrant("eye", "viewer"), functions: ["cam-*"] };
  const viewer = new GrantedPrincipal("id", grant, () => false);
  return { ...services, access: { authenticate: () => viewer, isRequired: true } };
}

Deno.test("/images: a key with patterns sees images of runtimes and of its functions only", async () => {
  const image = (name: string, runtimes: string[], functions: string[]): ImageView => ({
    image: name,
    runtimes,
    functions,
    present: true,
    sizeBytes: 1,
    architecture: "amd64",
    pulled: false,
  });
  const images = () =>
    Promise.resolve([
      image("python", ["python"], ["cam-1", "hidden-1"]),
      image("cam", [], ["cam-2"]),
      image("hidden", [], ["hidden-2"]),
      image("former", [], []),
    ]);
  const all = await ask("GET /images", { services: { images } });
  assert.equal(all.body.Images.length, 4);
  const { body } = await ask("GET /images", { services: forViewer({ images }) });
  assert.deepEqual(
    body.Images.map(({ Image, Functions }: Record<string, unknown>) => [Image, Functions]),
    [["python", ["cam-1"]], ["cam", ["cam-2"]]],
  );
});

Deno.test("/policy: a key with patterns gets no estimates", async () => {
  const policy = () => ({
    name: "adaptive",
    estimates: { functions: [{ function: "hidden", executionMs: 12 }] },
    decisions: [],
  });
  const { body } = await ask("GET /policy", { services: forViewer({ policy }) });
  assert.deepEqual([body.Explains, body.Estimates], [true, {}]);
});
