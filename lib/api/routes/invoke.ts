/**
 * `POST /invoke/:fun`: the hot path. One handler, no middleware, the body read once, headers made
 * ahead of time.
 *
 * @module
 */

import type { IncomingRequest, OutgoingResponse } from "../../http/server/messages.ts";
import { incomingRequest, KnownResponse } from "../../http/server/web.ts";
import { codedError, errorAnswer } from "../errors.ts";
import { BodyReader } from "../body.ts";
import { nodeHeaders } from "../headers.ts";
import type { Route } from "../route.ts";
import { answers, requests } from "../schemas.ts";
import type { ApiServices } from "../services.ts";
import { readHop } from "../../cluster/peers/hop_headers.ts";
import {
  defaultRequest,
  readInvokeRequest,
  type Report,
  type WireReport,
} from "../../model/invocation.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { Rope } from "../../base/rope.ts";

const encoder = new TextEncoder();

/** Codes of the errors that an invocation may end with, whatever route it came by. */
export const invocationErrors: readonly ErrorCode[] = [
  "INVALID_REQUEST",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "FUNCTION_UNKNOWN",
  "FUNCTION_DAMAGED",
  "REQUEST_REPEATED",
  "PEER_DECLINED",
  "PAYLOAD_TOO_LARGE",
  "UNPROCESSABLE",
  "NODE_SATURATED",
  "NO_SUITABLE_NODE",
  "FUNCTION_ERROR",
  "FUNCTION_CRASHED",
  "INSTANCE_START_FAILED",
  "ENGINE_REFUSED",
  "STORAGE_FULL",
  "ENGINE_UNAVAILABLE",
  "REGISTRY_UNAVAILABLE",
  "SHUTTING_DOWN",
  "DEADLINE_EXCEEDED",
  "INTERNAL",
];

/** What of a response its invocation tells. */
type Answer = Pick<OutgoingResponse, "body" | "held">;

/** Answers the request that invokes the function of that name. */
export type InvokeHandler = (request: IncomingRequest, name: string) => Promise<OutgoingResponse>;

/** Makes the handler of invocations. */
export function invokeHandler(services: ApiServices): InvokeHandler {
  const bodies = new BodyReader(services);
  const headersFor = nodeHeaders(services);
  const defaults = Object.freeze({
    ...defaultRequest,
    canOffload: services.config["offload.default"],
  });

  const answer = async (http: IncomingRequest, name: string): Promise<Answer> => {
    services.admit(name);
    const { bytes, held } = await bodies.reserved(http);
    try {
      const request = await readInvokeRequest(bytes, defaults);
      const inputSize = bytes.length;
      if (request.isAsync) {
        const ReqId = await services.accept(name, request, { inputSize, reservation: held });
        return { body: `${JSON.stringify({ ReqId })}\n` };
      }
      const hop = readHop(http.headers, services.config["cluster.secret"]);
      const invocation = services.invoke(name, request, { hop, inputSize, reservation: held });
      http.onDisconnect(() => invocation.cancel());
      const { report } = await invocation.done;
      const { result } = report;
      return {
        body: reportBody(report),
        held: typeof result === "string" ? undefined : result.held,
      };
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  };

  return async (request, name) => {
    try {
      const { body, held } = await answer(request, name);
      return { status: 200, headers: headersFor(request), body, held };
    } catch (thrown) {
      const error = codedError(thrown);
      // The Go node sends its state with every answer but this one.
      return errorAnswer(
        error,
        error.code === "FUNCTION_UNKNOWN" ? undefined : headersFor(request),
      ).outgoing;
    }
  };
}

/**
 * The route that invokes functions.
 *
 * @param invoke answers its requests
 */
export function invokeRoutes(invoke: InvokeHandler): Route[] {
  return [{
    method: "POST",
    paths: ["/invoke/:fun"],
    async handle(context) {
      const request = incomingRequest(context.req.raw);
      const { body, status, headers, held } = await invoke(request, context.req.param("fun")!);
      return new KnownResponse(body, status, headers, held);
    },
    description,
  }];
}

/**
 * Tells a plain invocation without a router, which would cost it as much as all else in the API.
 *
 * @returns the name of the function; undefined for everything that the router has to look at
 */
export function invokedFunction({ method, target }: IncomingRequest): string | undefined {
  return method === "POST" ? plainInvocation.exec(target)?.[1] : undefined;
}

const plainInvocation = /^\/invoke\/([A-Za-z0-9._-]+)$/;

/**
 * The report as clients get it: its fields and no others, in the documented order. A long result is
 * written as it came.
 */
export function reportBody(report: Report): string | Rope {
  const { success, result } = report;
  const times = JSON.stringify(timesOf(report));
  if (typeof result === "string") {
    return `{"Success":${success},"Result":${JSON.stringify(result)},${times.slice(1)}\n`;
  }
  const before = encoder.encode(`{"Success":${success},"Result":`);
  return new Rope([before, result.json, encoder.encode(`,${times.slice(1)}\n`)]);
}

/** What of a report is behind its result. */
function timesOf(report: Report): Omit<WireReport, "Success" | "Result"> {
  return {
    ResponseTime: report.responseTimeS,
    IsWarmStart: report.isWarmStart,
    InitTime: report.initTimeS,
    QueueingTime: report.queueingTimeS,
    OffloadLatency: report.offloadLatencyS,
    Duration: report.durationS,
    Output: report.output,
    ExecutionArea: report.executionArea,
    ExecutionNode: report.executionNode,
    StartTier: report.startTier,
  };
}

const description: Route["description"] = {
  tag: "Invocations",
  summary: "Invoke a function",
  details:
    "Runs the function and answers with its report; an empty body means all defaults, keys " +
    "may be in any case. Without `CanDoOffloading` the node's `offload.default` decides whether another node " +
    "may run it; false keeps it here, and the error says so if that is why it is refused. With `Async` it answers at once with an id to poll. The answer's headers " +
    "`Serverledge-Node-Name`, `-Free-Mem` (MiB), `-Free-CPU`, `-Timestamp` and `-Node-Arch` tell the " +
    "node's state. A client that disconnects cancels its invocation; one that only ends its sending side " +
    "gets its answer.",
  body: requests.invocation,
  answers: {
    200: { description: "The report; with `Async` the id", schema: answers.invocation },
  },
  errors: invocationErrors,
  curl: `curl $NODE/invoke/hello -d '{"Params": {"name": "Ada"}}'`,
};
