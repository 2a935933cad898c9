/**
 * `ANY /fn/:name/*`: functions as plain HTTP services, for `curl --data-binary`, forms, browsers.
 *
 * @module
 */

import type { Context } from "hono";
import { BodyReader } from "./body.ts";
import { resourcePairs } from "./headers.ts";
import { headOf, passedOn, toHttpAnswer, toHttpEvent, toPage } from "./http_event.ts";
import type { Departures } from "./departures.ts";
import { invocationErrors } from "./invoke.ts";
import type { Route } from "./route.ts";
import type { ApiServices } from "./services.ts";
import { readHop } from "../cluster/hop_headers.ts";
import { reportPair } from "../cluster/page_exchange.ts";
import type { InvokeRequest } from "../model/invocation.ts";
import type { PageRequest } from "../model/page.ts";

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
    const hop = readHop(request.headers, services.config["cluster.secret"]);
    const page = toPage(headOf(request), await bodies.bytes(request));
    const origin = { hop, inputSize: page.body.length, page };
    const invocation = services.invoke(name, requestOf(page), origin);
    const report = await departures.during(name, request, invocation);
    const answer = report.page ? passedOn(report.page) : toHttpAnswer(report.Result);
    if (hop) {
      for (const pair of [reportPair(report), ...resourcePairs(services.free())]) {
        answer.headers.set(...pair);
      }
    }
    return answer;
  };

  const paths: Route["paths"] = ["/fn/:name/:path{.*}", "/fn/:name"];
  return [{ method: "ANY", paths, open: true, description, handle }];
}

/** The event is made where the function runs, since its body may have to be encoded. */
function requestOf(page: PageRequest): InvokeRequest {
  let event: InvokeRequest["Params"];
  return {
    get Params() {
      return event ??= toHttpEvent(page);
    },
    QoSClass: 0,
    QoSMaxRespT: 0,
    Locality: "any",
    CanDoOffloading: true,
    Async: false,
    ReturnOutput: false,
  };
}

const description: Route["description"] = {
  tag: "Functions over HTTP",
  summary: "Use a function as an HTTP service",
  details: "The handler's params are the request: " +
    "`{method, url, path, query, headers, body, isBase64Encoded}`, where `path` is what follows the " +
    "name, `url` path and query byte for byte as they were sent, header names are lower-case, and a " +
    "body that is not text comes as base64. If it returns " +
    "`{statusCode, headers, body, isBase64Encoded}`, that is the answer (an empty list as " +
    "`content-type`: none); a string is sent as plain " +
    "text, anything else as JSON. What a `fetch(request)` handler of the runtime `deno` has not " +
    "written completely when it returns is streamed; a transfer that breaks off tells that it failed.",
  answers: { 200: { description: "What the function answers", mediaType: "*/*" } },
  errors: invocationErrors,
  curl:
    "curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' $NODE/fn/resize/small?width=320",
};
