/**
 * The HTTP side of the balancer: what it answers itself, and what it forwards.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { ServerledgeError } from "../base/errors.ts";
import { codedError, errorAnswer } from "../api/errors.ts";
import { jsonAnswer } from "../api/headers.ts";
import { originCheck } from "../api/origin.ts";
import type { HttpHandler } from "../http/server/messages.ts";
import {
  incomingRequest,
  KnownResponse,
  outgoingResponse,
  routedRequest,
} from "../http/server/web.ts";
import { balancerHeader } from "../cluster/peers/hop_headers.ts";
import { foldKeys, keyIndex, tryParseObject } from "../json/json.ts";
import { metricsType } from "../telemetry/prometheus.ts";
import type { BalancerMetrics } from "./metrics.ts";
import type { Kind, Proxy } from "./proxy.ts";
import type { RequestBody } from "./request_body.ts";
import type { RoutedFunction, Router } from "./router.ts";
import type { BalancerStatus } from "./status.ts";

const prewarmKeys = keyIndex(["Function"]);

/** What the app needs of the balancer. */
export interface BalancerServices {
  readonly id: string;
  /** Address that it listens on. */
  readonly listen: string;
  /** Whether to serve metrics. */
  readonly metricsEnabled: boolean;
  /** Forwards requests. */
  readonly proxy: Pick<Proxy, "forward">;
  /** Chooses nodes for them. */
  readonly router: Router;
  /** Counts them. */
  readonly metrics: BalancerMetrics;
  /** Monotonic time, ms. */
  readonly now: () => number;
  /** A function's definition, if it is known. */
  find(name: string): RoutedFunction | undefined;
  /** What the balancer tells of itself. */
  status(): BalancerStatus;
  /** Whether it can forward anything (`ok`), and what is wrong. */
  health(): { readonly ok: boolean; readonly problems: readonly string[] };
}

/** Makes what answers the requests of clients. */
export function createBalancerApp(services: BalancerServices): HttpHandler {
  const app = new Hono();
  const checkOrigin = originCheck(services.listen);

  const forward = async (context: Context, kind: Kind, name?: Naming): Promise<Response> => {
    const begun = services.now();
    const answer = await forwarded(services, context, kind, name)
      .catch((thrown) => errorAnswer(codedError(thrown)));
    services.metrics.answered(kind, answer.status, (services.now() - begun) / 1000);
    return answer;
  };
  const guarded = (handle: (context: Context) => Response | Promise<Response>) => {
    return (context: Context) => {
      checkOrigin(incomingRequest(context.req.raw));
      return handle(context);
    };
  };
  const page = (context: Context) => forward(context, "page", context.req.param("name")!);

  app.post(
    "/invoke/:fun",
    guarded((context) => forward(context, "invocation", context.req.param("fun")!)),
  );
  for (const path of ["/fn/:name/:path{.*}", "/fn/:name"]) app.all(path, page);
  app.get("/status", guarded(() => jsonAnswer(services.status())));
  app.get("/healthz", guarded(() => healthAnswer(services)));
  app.get("/metrics", guarded(() => metricsAnswer(services)));
  app.get(
    "/logs/:fun",
    guarded((context) => forward(context, "other", context.req.param("fun")!)),
  );
  app.post("/prewarm", guarded((context) => forward(context, "other", prewarmed)));
  app.all("*", guarded((context) => forward(context, "other")));
  app.onError((error) => errorAnswer(codedError(error)));
  return async (request) => outgoingResponse(await app.fetch(routedRequest(request)));
}

/** The function that a request is about, or where its body names it. */
type Naming = string | ((body: RequestBody) => string | undefined);

async function forwarded(
  { id, proxy, router, find }: BalancerServices,
  context: Context,
  kind: Kind,
  naming: Naming | undefined,
): Promise<Response> {
  const request = incomingRequest(context.req.raw);
  const former = request.headers.get(balancerHeader);
  if (former !== null) throw forwardedBefore(id, former);
  return await proxy.forward({
    request,
    kind,
    // A name that is not known may be known soon: the node's answer counts.
    choose(tried, body) {
      const name = typeof naming === "function" ? naming(body) : naming;
      return name === undefined
        ? router.forAny(tried)
        : router.forFunction(name, find(name), tried);
    },
  });
}

/**
 * A node is registered by an address that is this balancer's: others may do better. Were it forwarded
 * again, balancers that are registered as nodes of each other would multiply it.
 */
function forwardedBefore(id: string, former: string): ServerledgeError {
  const by = former === id ? "that it had forwarded" : `that balancer ${former} had forwarded`;
  return new ServerledgeError(
    "PEER_DECLINED",
    `Balancer ${id} got a request ${by}: a node is registered by the address of balancer ${id}; ` +
      "set api.ip or api.url of that node to where others reach it",
  );
}

/** The function that a pre-warming is about, so that its instances are where its requests go. */
function prewarmed(body: RequestBody): string | undefined {
  if (!(body instanceof Uint8Array)) return undefined;
  // The node that gets it says what is wrong with it.
  const { Function: name } = foldKeys(tryParseObject(body) ?? {}, prewarmKeys);
  return typeof name === "string" ? name : undefined;
}

function healthAnswer(services: BalancerServices): Response {
  const { ok, problems } = services.health();
  const Status = !ok ? "unavailable" : problems.length > 0 ? "degraded" : "ok";
  return jsonAnswer({ Status, Problems: problems, Node: services.id }, ok ? 200 : 503);
}

function metricsAnswer({ metrics, metricsEnabled }: BalancerServices): Response {
  if (!metricsEnabled) {
    throw new ServerledgeError("ROUTE_UNKNOWN", "Metrics are off: set metrics.enabled to true");
  }
  return new KnownResponse(metrics.registry.render(), 200, [["content-type", metricsType]]);
}
