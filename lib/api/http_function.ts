/**
 * `ANY /fn/:name/*`: functions as plain HTTP services, for `curl --data-binary`, forms, browsers.
 *
 * @module
 */

import type { Context } from "hono";
import { BodyReader } from "./body.ts";
import { toHttpAnswer, toHttpEvent } from "./http_event.ts";
import type { Departures } from "./departures.ts";
import { invocationErrors } from "./invoke.ts";
import type { Route } from "./route.ts";
import type { ApiServices } from "./services.ts";

/**
 * The route that serves functions over HTTP.
 *
 * @param services the node
 * @param departures cancels what clients left behind
 */
export function httpFunctionRoutes(services: ApiServices, departures: Departures): Route[] {
  const bodies = new BodyReader(services.config["api.body.max"]);

  const handle = async (context: Context): Promise<Response> => {
    const request = context.req.raw;
    const name = context.req.param("name")!;
    const invocation = services.invoke(name, {
      Params: toHttpEvent(request, await bodies.bytes(request)),
      QoSClass: 0,
      QoSMaxRespT: 0,
      Locality: "any",
      CanDoOffloading: true,
      Async: false,
      ReturnOutput: false,
    });
    return toHttpAnswer((await departures.during(name, request, invocation)).Result);
  };

  const paths: Route["paths"] = ["/fn/:name/:path{.*}", "/fn/:name"];
  return [{ method: "ANY", paths, open: true, description, handle }];
}

const description: Route["description"] = {
  tag: "Functions over HTTP",
  summary: "Use a function as an HTTP service",
  details: "The handler's params are the request: " +
    "`{method, path, query, headers, body, isBase64Encoded}`, where `path` is what follows the " +
    "name, header names are lower-case, and a body that is not text comes as base64. If it returns " +
    "`{statusCode, headers, body, isBase64Encoded}`, that is the answer; a string is sent as plain " +
    "text, anything else as JSON.",
  answers: { 200: { description: "What the function answers", mediaType: "*/*" } },
  errors: invocationErrors.filter((code) => code !== "INVALID_REQUEST" && code !== "FORBIDDEN"),
  curl:
    "curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' $NODE/fn/resize/small?width=320",
};
