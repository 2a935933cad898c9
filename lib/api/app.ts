/**
 * The HTTP API of a node: its routes in one table, put on one hono app.
 *
 * @module
 */

import { Hono } from "hono";
import { ServerledgeError } from "../base/errors.ts";
import { Departures } from "./departures.ts";
import { documentationRoutes } from "./documentation.ts";
import { codedError, errorAnswer } from "./errors.ts";
import { functionRoutes } from "./functions.ts";
import { httpFunctionRoutes } from "./http_function.ts";
import { imageRoutes } from "./images.ts";
import { invokedFunction, type InvokeHandler, invokeHandler, invokeRoutes } from "./invoke.ts";
import { operationRoutes } from "./operations.ts";
import { nodeRoutes } from "./nodes.ts";
import { originCheck } from "./origin.ts";
import { policyRoutes } from "./policy.ts";
import { resultRoutes } from "./results.ts";
import { anyMethod, type Handler, methodsOf, type Route } from "./route.ts";
import type { ApiServices } from "./services.ts";

/**
 * All routes of the API, in the order of its reference.
 *
 * @param services the node
 * @param departures cancels what clients left behind
 * @param invoke answers invocations
 */
export function apiRoutes(
  services: ApiServices,
  departures: Departures = new Departures(),
  invoke: InvokeHandler = invokeHandler(services, departures),
): Route[] {
  const routes = [
    ...invokeRoutes(invoke),
    ...resultRoutes(services),
    ...httpFunctionRoutes(services, departures),
    ...functionRoutes(services),
    ...operationRoutes(services),
    ...nodeRoutes(services),
    ...policyRoutes(services),
    ...imageRoutes(services),
  ];
  routes.push(...documentationRoutes(routes, services.node));
  return routes;
}

/**
 * Makes the app that answers the requests of clients. Each route has a single handler and there is
 * no middleware, so that a request costs no chain of promises. Plain invocations do not even pass the
 * router.
 *
 * @param services the node
 */
export function createApp(services: ApiServices): Hono {
  const app = new Hono();
  const checkOrigin = originCheck(services.config["api.listen"]);

  const guarded = (handle: Handler): Handler => (context) => {
    checkOrigin(context.req.raw);
    return handle(context);
  };

  const departures = new Departures();
  const invoke = invokeHandler(services, departures);
  for (const route of apiRoutes(services, departures, invoke)) {
    const handler = route.open ? route.handle : guarded(route.handle);
    for (const path of route.paths) {
      for (const method of methodsOf(route)) app.on(method, path, handler);
    }
  }
  app.notFound((context) => errorAnswer(noRoute(app, context.req.method, context.req.path)));
  app.onError((error) => errorAnswer(codedError(error)));

  const routed = app.fetch;
  app.fetch = (request, ...more) => {
    const name = invokedFunction(request);
    if (name === undefined) return routed(request, ...more);
    try {
      checkOrigin(request);
    } catch (thrown) {
      return errorAnswer(codedError(thrown));
    }
    return invoke(request, name);
  };
  return app;
}

function noRoute(app: Hono, method: string, path: string): ServerledgeError {
  const allow = anyMethod.filter((other) => app.router.match(other, path)[0].length > 0);
  if (allow.length === 0) {
    return new ServerledgeError(
      "ROUTE_UNKNOWN",
      `There is no ${path}: GET /docs lists what there is`,
    );
  }
  const allowed = allow.join(", ");
  return new ServerledgeError(
    "METHOD_NOT_ALLOWED",
    `${method} is not possible on ${path}: use ${allowed}`,
    { details: { allow } },
  );
}
