import assert from "node:assert/strict";
import { unlimitedGrant } from "../access/key.ts";
import { anyone, GrantedPrincipal, type Principal, stranger } from "../access/principal.ts";
import { incomingRequest } from "../http/server/web.ts";
import { type BalancerServices, createBalancerApp } from "./app.ts";
import { BalancerMetrics } from "./metrics.ts";
import type { BalancerStatus } from "./status.ts";

/** Returns the status of each request of a client; 200 means that it was forwarded, or answered. */
async function statuses(
  principal: Principal,
  requests: readonly string[],
  headers: Record<string, string> = {},
): Promise<Record<string, number>> {
  const services: BalancerServices = {
    id: "lb-1",
    listen: "0.0.0.0",
    access: { authenticate: () => principal, isRequired: principal !== anyone },
    audit: undefined,
    metricsEnabled: true,
    proxy: { forward: () => Promise.resolve(new Response("forwarded")) },
    router: { forAny: () => undefined, forFunction: () => undefined },
    metrics: new BalancerMetrics(() => []),
    now: () => 0,
    find: () => undefined,
    status: () => ({}) as BalancerStatus,
    health: () => ({ ok: true, problems: [] }),
  };
  const handle = createBalancerApp(services);
  const found: Record<string, number> = {};
  for (const route of requests) {
    const [method = "", path = ""] = route.split(" ");
    const request = new Request(`http://lb${path}`, { method, headers });
    found[route] = (await handle(incomingRequest(request))).status;
  }
  return found;
}

const forAnyone = ["GET /healthz", "GET /poll/f-1", "GET /key", "GET /docs", "GET /openapi.json"];
const forKeys = [
  "POST /create",
  "POST /delete",
  "PATCH /function/f",
  "GET /function",
  "GET /logs/f",
  "POST /prewarm",
  "GET /nodes",
  "POST /keys",
  "GET /keys",
  "POST /key",
  "POST /images/prune",
  "GET /nothing",
];

function all(requests: readonly string[], status: number): Record<string, number> {
  return Object.fromEntries(requests.map((request) => [request, status]));
}

function invoker(): Principal {
  const grant = { ...unlimitedGrant("k", "invoker"), functions: ["f"] };
  return new GrantedPrincipal("id", grant, () => false);
}

Deno.test("balancer: forwards nothing of a stranger but routes for anyone and public functions", async () => {
  const client = stranger((name) => name === "open");
  assert.deepEqual(await statuses(client, forAnyone), all(forAnyone, 200));
  assert.deepEqual(await statuses(client, forKeys), all(forKeys, 401));
  assert.deepEqual(
    await statuses(client, ["POST /invoke/open", "GET /fn/open", "POST /invoke/f", "GET /fn/f"]),
    { "POST /invoke/open": 200, "GET /fn/open": 200, "POST /invoke/f": 401, "GET /fn/f": 401 },
  );
});

Deno.test("balancer: forwards requests of keys, whose rights the nodes check", async () => {
  for (const client of [anyone, invoker()]) {
    const requests = [...forAnyone, ...forKeys, "POST /invoke/f", "GET /fn/f"];
    assert.deepEqual(await statuses(client, requests), all(requests, 200));
  }
});

Deno.test("balancer: a client with a key cannot claim to be a node", async () => {
  const headers = {
    "serverledge-request-id": "f-1",
    "serverledge-hops-left": "1",
    "serverledge-budget-ms": "1000",
    "serverledge-origin-area": "ROME",
  };
  const requests = ["POST /invoke/f", "GET /fn/f"];
  assert.deepEqual(await statuses(invoker(), requests, headers), all(requests, 401));
  assert.deepEqual(await statuses(anyone, requests, headers), all(requests, 200));
});
