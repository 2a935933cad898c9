/**
 * HTTP API of a node: one table of routes, served by one hono app.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { ServerledgeError } from "../base/errors.ts";
import type { Principal } from "../access/principal.ts";
import { recorded } from "./audit.ts";
import { documentationRoutes } from "./docs/documentation.ts";
import { codedError, errorAnswer } from "./errors.ts";
import { Rope } from "../base/rope.ts";
import { sliceBytes } from "../base/slices.ts";
import type { HttpHandler, IncomingRequest, OutgoingResponse } from "../http/server/messages.ts";
import {
  incomingRequest,
  outgoingResponse,
  routedRequest,
  webResponse,
} from "../http/server/web.ts";
import { backupRoutes } from "./routes/backup.ts";
import { functionRoutes } from "./routes/functions.ts";
import { httpFunctionRoutes } from "./routes/http_function.ts";
import { imageLoginRoutes } from "./routes/image_logins.ts";
import { imageRoutes } from "./routes/images.ts";
import {
  invokedFunction,
  type InvokeHandler,
  invokeHandler,
  invokeRoute,
  invokeRoutes,
} from "./routes/invoke.ts";
import { operationRoutes } from "./operations.ts";
import { keyRoutes } from "./routes/keys.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { originCheck } from "./origin.ts";
import { policyRoutes } from "./routes/policy.ts";
import { resultRoutes } from "./routes/results.ts";
import { secretRoutes } from "./routes/secrets.ts";
import { anyMethod, methodsOf, type Route } from "./route.ts";
import type { ApiServices } from "./services.ts";

/**
 * Returns all routes of the API, in the order of its reference.
 *
 * @param invoke handler of invocations
 */
export function apiRoutes(
  services: ApiServices,
  invoke: InvokeHandler = invokeHandler(services),
): Route[] {
  const routes = [
    ...invokeRoutes(invoke),
    ...resultRoutes(services),
    ...httpFunctionRoutes(services),
    ...functionRoutes(services),
    ...operationRoutes(services),
    ...backupRoutes(services),
    ...nodeRoutes(services),
    ...policyRoutes(services),
    ...imageRoutes(services),
    ...imageLoginRoutes(services),
    ...keyRoutes(services),
    ...secretRoutes(services),
  ];
  routes.push(...documentationRoutes(routes, services.node));
  return routes;
}

type RequestParts = ConstructorParameters<typeof Request>[1];

/** Application that handles the requests of clients. */
export interface ApiApp {
  /** Handles a request; never throws or rejects. */
  readonly handle: HttpHandler;
  /** Handles a request of the web platform, given as an object or by its path. */
  request(input: string | Request, init?: RequestParts): Promise<Response>;
}

/**
 * Creates the application. Each route has a single handler without middleware, which avoids a chain of
 * promises for each request. Plain invocations bypass the router.
 */
export function createApp(services: ApiServices): ApiApp {
  const router = new Hono();
  const checkOrigin = originCheck(services.config["api.listen"]);

  const guarded = ({ open, access, paths: [route], handle }: Route) => (context: Context) => {
    const request = incomingRequest(context.req.raw);
    return recorded(services.audit, context, { request, access, route }, async (identified) => {
      if (!open) checkOrigin(request);
      const principal = identified(await services.access.authenticate(request));
      if (access !== "anyone") {
        principal.require(access, context.req.param("fun") ?? context.req.param("name"));
      }
      return await handle(context, principal);
    });
  };

  const invoke = invokeHandler(services);
  for (const route of apiRoutes(services, invoke)) {
    const handler = guarded(route);
    for (const path of route.paths) {
      for (const method of methodsOf(route)) router.on(method, path, handler);
    }
  }
  router.notFound((context) =>
    errorAnswer(noRoute(router, incomingRequest(context.req.raw).method, context.req.path))
  );
  router.onError((error) => errorAnswer(codedError(error)));

  const handle: HttpHandler = async (request) => {
    const name = invokedFunction(request);
    try {
      return reserved(
        services,
        name === undefined
          ? outgoingResponse(await router.fetch(routedRequest(request)))
          : await plainInvocation(request, name),
      );
    } catch (thrown) {
      return errorAnswer(codedError(thrown)).outgoing;
    }
  };
  return { handle, request: requesting(handle) };

  /** Handles an invocation without the router, as the route does with it. */
  async function plainInvocation(request: IncomingRequest, name: string) {
    let principal: Principal | undefined;
    let response: OutgoingResponse;
    try {
      checkOrigin(request);
      const found = services.access.authenticate(request);
      principal = found instanceof Promise ? await found : found;
      principal.require("invoke", name);
      response = await invoke(request, name, principal);
    } catch (thrown) {
      response = errorAnswer(codedError(thrown)).outgoing;
    }
    const { audit } = services;
    // The usual invocation is not recorded, and must not pay for it.
    if (!audit?.wants("invoke", response.error)) return response;
    audit.ended({
      request,
      access: "invoke",
      route: invokeRoute,
      principal,
      target: name,
      status: response.status,
      code: response.error,
    });
    return response;
  }
}

/** Reserves the memory of a long response for a slow client, unless it is already reserved. */
function reserved({ bodies }: ApiServices, response: OutgoingResponse): OutgoingResponse {
  const { body, held } = response;
  const isKnown = body instanceof Uint8Array || body instanceof Rope;
  if (held || !isKnown || body.length <= sliceBytes) return response;
  return { ...response, held: bodies.takeResult(body.length) };
}

function requesting(handle: HttpHandler): ApiApp["request"] {
  return async (input, init) => {
    const request = new Request(
      typeof input === "string" ? new URL(input, "http://localhost") : input,
      init,
    );
    return webResponse(await handle(incomingRequest(request)), request.method);
  };
}

function noRoute(router: Hono, method: string, path: string): ServerledgeError {
  const allow = anyMethod.filter((other) => router.router.match(other, path)[0].length > 0);
  if (allow.length === 0) {
    return new ServerledgeError(
      "ROUTE_UNKNOWN",
      `There is no route ${path}: GET /docs lists all routes`,
    );
  }
  const allowed = allow.join(", ");
  return new ServerledgeError(
    "METHOD_NOT_ALLOWED",
    `${path} does not allow ${method}: use ${allowed}`,
    { details: { allow } },
  );
}
