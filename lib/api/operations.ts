/**
 * Routes for operators of a node: status, health, metrics, logs, pre-warming.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { incomingRequest, KnownResponse } from "../http/server/web.ts";
import { about } from "./audit.ts";
import { BodyReader } from "./body.ts";
import { jsonAnswer } from "./headers.ts";
import { queryFlag, queryInteger } from "./query.ts";
import type { Description, Handler, Route } from "./route.ts";
import { answers, bodyOf, prewarmSchema, requests } from "./schemas.ts";
import { statusNames } from "../model/status.ts";
import type { ApiServices } from "./services.ts";
import { shownTo, visibleMetrics } from "./visible.ts";
import { metricsType } from "../telemetry/prometheus.ts";

const tag = "Operation";
const readPrewarm = bodyOf(prewarmSchema);

/** Default, minimum and maximum number of lines of a function's log. */
const logLines = { fallback: 100, min: 1, max: 10_000 };

/** Returns the routes for operators of a node. */
export function operationRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);

  const prewarm: Handler = async (context, principal) => {
    const request = readPrewarm(await bodies.json(incomingRequest(context.req.raw)));
    const { functionName, instances, forceImagePull: refresh } = request;
    about(context, functionName);
    principal.require("deploy", functionName);
    return jsonAnswer({ Prewarmed: await services.prewarm(functionName, instances, { refresh }) });
  };

  const health: Handler = (_, principal) => {
    const { ok, problems } = services.health(shownTo(principal));
    const Status = !ok ? "unavailable" : problems.length > 0 ? "degraded" : "ok";
    const Problems = principal.may("view") ? problems : [];
    return jsonAnswer({ Status, Problems, Node: services.node.id }, ok ? 200 : 503);
  };

  const metrics: Handler = (_, principal) => {
    if (!services.config["metrics.enabled"]) {
      throw new ServerledgeError(
        "ROUTE_UNKNOWN",
        "Metrics are disabled: set metrics.enabled to true",
      );
    }
    return new KnownResponse(visibleMetrics(services.metrics(), principal), 200, [[
      "content-type",
      metricsType,
    ]]);
  };

  const logs: Handler = async (context) => {
    const name = context.req.param("fun")!;
    const lines = queryInteger(context, "lines", logLines);
    if (queryFlag(context, "follow")) return followed(services, name, lines);
    return jsonAnswer({ Function: name, Lines: await services.logs(name, lines) });
  };

  return [
    {
      method: "POST",
      paths: ["/prewarm"],
      access: "deploy",
      description: prewarming,
      handle: prewarm,
    },
    {
      method: "GET",
      paths: ["/status"],
      access: "view",
      description: statusReport,
      handle: (_, principal) => jsonAnswer(statusNames.toWire(services.status(shownTo(principal)))),
    },
    {
      method: "GET",
      paths: ["/healthz"],
      access: "anyone",
      description: healthCheck,
      handle: health,
    },
    { method: "GET", paths: ["/metrics"], access: "view", description: metering, handle: metrics },
    { method: "GET", paths: ["/logs/:fun"], access: "view", description: logging, handle: logs },
  ];
}

/** Returns a response that streams lines as text while they are written. */
function followed(services: ApiServices, name: string, lines: number): Response {
  const left = new AbortController();
  const source = services.followLogs(name, lines, left.signal);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await source.next();
      if (done) return controller.close();
      controller.enqueue(encoder.encode(value.map((line) => `${line}\n`).join("")));
    },
    async cancel() {
      left.abort();
      await source.return(undefined);
    },
  }, { highWaterMark: 0 });
  return new KnownResponse(body, 200, [["content-type", "text/plain; charset=UTF-8"]]);
}

const prewarming: Description = {
  tag,
  summary: "Pre-warm instances",
  details: "Starts idle instances of a function, as many as resources allow.",
  body: requests.prewarm,
  answers: { 200: { description: "The number of instances started", schema: answers.prewarmed } },
  errors: [
    "INVALID_REQUEST",
    "FORBIDDEN",
    "FUNCTION_UNKNOWN",
    "FUNCTION_DAMAGED",
    "PAYLOAD_TOO_LARGE",
    "INSTANCE_START_FAILED",
    "ENGINE_REFUSED",
    "STORAGE_FULL",
    "ENGINE_UNAVAILABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl $NODE/prewarm -d '{"Function": "hello", "Instances": 2}'`,
};

const statusReport: Description = {
  tag,
  summary: "Status of the node",
  details:
    "Resources, instances, queue, and the state of the services that the node depends on. A key " +
    "with patterns sees what concerns its functions, and no pulls of images.",
  answers: { 200: { description: "Status of the node", schema: answers.status } },
  errors: ["FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/status",
};

const healthCheck: Description = {
  tag,
  summary: "Health of the node",
  details:
    "200 while the node can serve requests, even if it is `degraded`: for example, without the " +
    "registry, or with warm instances only because the container engine is unavailable. 503 when it " +
    "can serve none, so that load balancers stop sending traffic. Once keys are required, `Problems` is empty unless the request has a key " +
    "that may view something.",
  answers: {
    200: { description: "The node can serve requests", schema: answers.health },
    503: { description: "The node cannot serve requests", schema: answers.health },
  },
  errors: ["FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/healthz",
};

const metering: Description = {
  tag,
  summary: "Metrics",
  details: "Metrics for Prometheus. 404 if `metrics.enabled` is false.",
  answers: { 200: { description: "Prometheus text format", mediaType: "text/plain" } },
  errors: ["FORBIDDEN", "ROUTE_UNKNOWN", "INTERNAL"],
  curl: "curl $NODE/metrics",
};

const logging: Description = {
  tag,
  summary: "Output of a function",
  details:
    "The last lines that the function's instances and invocations wrote on this node, oldest first. " +
    "Each line starts with its time and the id of the invocation, or `-` if it belongs to none. With " +
    "`follow` the response is plain text and continues with new lines until the function is deleted, " +
    "the node stops or the client disconnects.",
  query: [{
    name: "follow",
    type: "boolean",
    description: "`true` to continue with new lines; default `false`",
  }, {
    name: "lines",
    type: "integer",
    range: logLines,
    description:
      `Number of lines, ${logLines.min} to ${logLines.max}; default ${logLines.fallback}`,
  }],
  answers: { 200: { description: "The lines", schema: answers.logs } },
  errors: [
    "INVALID_REQUEST",
    "FORBIDDEN",
    "FUNCTION_UNKNOWN",
    "FUNCTION_DAMAGED",
    "NODE_SATURATED",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: "curl $NODE/logs/hello?lines=20",
};
