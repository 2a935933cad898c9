/**
 * `POST /invoke/:fun`: the hot path. One handler, no middleware, the body read once, headers made
 * ahead of time.
 *
 * @module
 */

import type { Context } from "hono";
import { codedError, errorAnswer } from "./errors.ts";
import type { Departures } from "./departures.ts";
import { BodyReader } from "./body.ts";
import { nodeHeaders } from "./headers.ts";
import type { Route } from "./route.ts";
import { answers, requests } from "./schemas.ts";
import type { ApiServices } from "./services.ts";
import { readHop } from "../cluster/hop_headers.ts";
import { readInvokeRequest, type Report } from "../model/invocation.ts";
import type { ErrorCode } from "../base/errors.ts";

/** Codes of the errors that an invocation may end with, whatever route it came by. */
export const invocationErrors: readonly ErrorCode[] = [
  "INVALID_REQUEST",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "FUNCTION_UNKNOWN",
  "REQUEST_REPEATED",
  "PAYLOAD_TOO_LARGE",
  "NODE_SATURATED",
  "NO_SUITABLE_NODE",
  "FUNCTION_ERROR",
  "FUNCTION_CRASHED",
  "INSTANCE_START_FAILED",
  "ENGINE_UNAVAILABLE",
  "SHUTTING_DOWN",
  "DEADLINE_EXCEEDED",
  "INTERNAL",
];

/**
 * The route that invokes functions.
 *
 * @param services the node
 * @param departures cancels what clients left behind
 */
export function invokeRoutes(services: ApiServices, departures: Departures): Route[] {
  const bodies = new BodyReader(services.config["api.body.max"]);
  const headersFor = nodeHeaders(services);

  const handle = async (context: Context): Promise<Response> => {
    const request = context.req.raw;
    try {
      const text = await answer(context, await bodies.text(request));
      return new Response(text, { headers: headersFor(request) });
    } catch (thrown) {
      const error = codedError(thrown);
      // The Go node sends its state with every answer but this one.
      return errorAnswer(
        error,
        error.code === "FUNCTION_UNKNOWN" ? undefined : headersFor(request),
      );
    }
  };

  const answer = async (context: Context, body: string): Promise<string> => {
    const name = context.req.param("fun")!;
    const request = readInvokeRequest(body);
    if (request.Async) {
      return `${JSON.stringify({ ReqId: await services.accept(name, request) })}\n`;
    }
    const hop = readHop(context.req.raw.headers, services.config["cluster.secret"]);
    const invocation = services.invoke(name, request, { hop, inputSize: body.length });
    return reportText(await departures.during(name, context.req.raw, invocation));
  };

  return [{ method: "POST", paths: ["/invoke/:fun"], handle, description }];
}

/** The report as clients get it: its fields and no others, in the documented order. */
function reportText(report: Report): string {
  const text = JSON.stringify({
    Success: report.Success,
    Result: report.Result,
    ResponseTime: report.ResponseTime,
    IsWarmStart: report.IsWarmStart,
    InitTime: report.InitTime,
    QueueingTime: report.QueueingTime,
    OffloadLatency: report.OffloadLatency,
    Duration: report.Duration,
    Output: report.Output,
    ExecutionArea: report.ExecutionArea,
    ExecutionNode: report.ExecutionNode,
    StartTier: report.StartTier,
  });
  return `${text}\n`;
}

const description: Route["description"] = {
  tag: "Invocations",
  summary: "Invoke a function",
  details:
    "Runs the function and answers with its report; an empty body means all defaults, keys " +
    "may be in any case. With `Async` it answers at once with an id to poll. The answer's headers " +
    "`Serverledge-Node-Name`, `-Free-Mem` (MiB), `-Free-CPU`, `-Timestamp` and `-Node-Arch` tell the " +
    "node's state. A client that disconnects cancels its invocation.",
  body: requests.invocation,
  answers: {
    200: { description: "The report; with `Async` the id", schema: answers.invocation },
  },
  errors: [...invocationErrors, "REGISTRY_UNAVAILABLE"],
  curl: `curl $NODE/invoke/hello -d '{"Params": {"name": "Ada"}}'`,
};
