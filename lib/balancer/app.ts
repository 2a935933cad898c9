/**
 * The HTTP interface of the balancer: its own routes and the forwarded ones.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { ServerledgeError } from "../base/errors.ts";
import type { Authenticator } from "../access/authenticator.ts";
import { type Principal, requireAnyRight } from "../access/principal.ts";
import { requireNodeForHop } from "../api/admission.ts";
import { recorded } from "../api/audit.ts";
import type { AuditTrail } from "../api/audit_trail.ts";
import { codedError, errorAnswer } from "../api/errors.ts";
import { jsonAnswer } from "../api/headers.ts";
import { originCheck } from "../api/origin.ts";
import type { Route } from "../api/route.ts";
import type { HttpHandler } from "../http/server/messages.ts";
import {
  incomingRequest,
  KnownResponse,
  outgoingResponse,
  routedRequest,
} from "../http/server/web.ts";
import { foldKeys, keyIndex, tryParseObject } from "../json/json.ts";
import { metricsType } from "../telemetry/prometheus.ts";
import { forwardingBalancer } from "./forwarded_headers.ts";
import type { BalancerMetrics } from "./metrics.ts";
import type { Kind, Proxy } from "./proxy.ts";
import type { RequestBody } from "./request_body.ts";
import type { RoutedFunction, Router } from "./router.ts";
import type { BalancerStatus } from "./status.ts";

/** Maximum length of a recorded path. */
const maxPath = 256;

/** Routes of nodes for anyone. */
const openPaths = ["/poll/:reqId", "/key", "/docs", "/openapi.json"];

const prewarmKeys = keyIndex(["Function"]);

/** Services that the app uses. */
export interface BalancerServices {
  readonly id: string;
  readonly listen: string;
  readonly access: Authenticator;
  /** Records requests that end here. */
  readonly audit: AuditTrail | undefined;
  readonly metricsEnabled: boolean;
  readonly proxy: Pick<Proxy, "forward">;
  readonly router: Pick<Router, "forAny" | "forFunction">;
  readonly metrics: BalancerMetrics;
  /** Monotonic time, ms. */
  readonly now: () => number;
  find(name: string): RoutedFunction | undefined;
  status(): BalancerStatus;
  /** Whether requests can be forwarded (`ok`), and current problems. */
  health(): { readonly ok: boolean; readonly problems: readonly string[] };
}

/** Creates the handler of client requests. */
export function createBalancerApp(services: BalancerServices): HttpHandler {
  const app = new Hono();
  const checkOrigin = originCheck(services.listen);

  const forward = async (context: Context, kind: Kind, name?: Naming): Promise<Response> => {
    const startedAt = services.now();
    const response = await forwarded(services, context, kind, name)
      .catch((thrown) => errorAnswer(codedError(thrown)));
    services.metrics.responded(kind, response.status, (services.now() - startedAt) / 1000);
    return response;
  };
  // Nodes authorize and record what is forwarded; an invalid key ends here.
  const guarded = (
    handle: (context: Context, principal: Principal) => Response | Promise<Response>,
    { access = "anyone", open = false }: Partial<Pick<Route, "access" | "open">> = {},
  ) => {
    return (context: Context) => {
      const request = incomingRequest(context.req.raw);
      const what = { request, access, route: context.req.path.slice(0, maxPath) };
      return recorded(services.audit, context, what, async (identified) => {
        if (!open) checkOrigin(request);
        const principal = identified(await services.access.authenticate(request));
        return await handle(context, principal);
      });
    };
  };
  const own = (handle: () => Response) =>
    guarded((_, principal) => {
      principal.require("view");
      return handle();
    }, { access: "view" });
  // Nodes check the rights in detail: they know which function a body names.
  const known = (name?: (context: Context) => Naming) =>
    guarded((context, principal) => {
      requireAnyRight(principal);
      return forward(context, "other", name?.(context));
    });
  const invocation = (context: Context, principal: Principal, kind: Kind, name: string) => {
    // Where a request is sent depends on the function, which a stranger must not learn about.
    principal.require("invoke", name);
    requireNodeForHop(incomingRequest(context.req.raw), principal);
    return forward(context, kind, name);
  };
  const plainHttp = guarded(
    (context, principal) => invocation(context, principal, "page", context.req.param("name")!),
    { open: true },
  );

  app.post(
    "/invoke/:fun",
    guarded((context, principal) =>
      invocation(context, principal, "invocation", context.req.param("fun")!)
    ),
  );
  for (const path of ["/fn/:name/:path{.*}", "/fn/:name"]) app.all(path, plainHttp);
  app.get("/status", own(() => jsonAnswer(services.status())));
  app.get("/healthz", guarded((_, principal) => healthResponse(services, principal)));
  app.get("/metrics", own(() => metricsResponse(services)));
  app.get("/logs/:fun", known((context) => context.req.param("fun")!));
  app.post("/prewarm", known(() => prewarmed));
  for (const path of openPaths) app.get(path, guarded((context) => forward(context, "other")));
  app.all("*", known());
  app.onError((error) => errorAnswer(codedError(error)));
  return async (request) => outgoingResponse(await app.fetch(routedRequest(request)));
}

/** Name of the function that a request is about, or how to find it in the body. */
type Naming = string | ((body: RequestBody) => string | undefined);

async function forwarded(
  { id, proxy, router, find }: BalancerServices,
  context: Context,
  kind: Kind,
  naming: Naming | undefined,
): Promise<Response> {
  const request = incomingRequest(context.req.raw);
  const previous = forwardingBalancer(request);
  if (previous !== null) throw alreadyForwarded(id, previous);
  return await proxy.forward({
    request,
    kind,
    // An unknown name may be registered on the node already, so the node decides.
    choose(tried, body) {
      const name = typeof naming === "function" ? naming(body) : naming;
      return name === undefined
        ? router.forAny(tried)
        : router.forFunction(name, find(name), tried);
    },
  });
}

/**
 * Error for a request that was forwarded by a balancer: a node is registered at this balancer's
 * address. Forwarding again would multiply requests between balancers registered as nodes of each
 * other.
 */
function alreadyForwarded(id: string, previous: string): ServerledgeError {
  const by = previous === id
    ? "that it had forwarded"
    : `that load balancer ${previous} had forwarded`;
  return new ServerledgeError(
    "PEER_DECLINED",
    `Load balancer ${id} received a request ${by}: a node is registered with the address ` +
      `of load balancer ${id}; set api.ip or api.url of that node to an address at which ` +
      "others reach it",
  );
}

/** Function to pre-warm, so that its instances are started where its requests go. */
function prewarmed(body: RequestBody): string | undefined {
  if (!(body instanceof Uint8Array)) return undefined;
  // Malformed requests are rejected by the node.
  const { Function: name } = foldKeys(tryParseObject(body) ?? {}, prewarmKeys);
  return typeof name === "string" ? name : undefined;
}

function healthResponse(services: BalancerServices, principal: Principal): Response {
  const { ok, problems } = services.health();
  const Status = !ok ? "unavailable" : problems.length > 0 ? "degraded" : "ok";
  const Problems = principal.may("view") ? problems : [];
  return jsonAnswer({ Status, Problems, Node: services.id }, ok ? 200 : 503);
}

function metricsResponse({ metrics, metricsEnabled }: BalancerServices): Response {
  if (!metricsEnabled) {
    throw new ServerledgeError(
      "ROUTE_UNKNOWN",
      "Metrics are disabled: set metrics.enabled to true",
    );
  }
  return new KnownResponse(metrics.registry.render(), 200, [["content-type", metricsType]]);
}
