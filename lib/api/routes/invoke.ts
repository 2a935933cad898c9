/**
 * Route `POST /invoke/:fun`, the hot path. It has one handler and no middleware, reads the body once,
 * and caches the headers.
 *
 * @module
 */

import type { IncomingRequest, OutgoingResponse } from "../../http/server/messages.ts";
import { incomingRequest, KnownResponse } from "../../http/server/web.ts";
import { codedError, errorAnswer } from "../errors.ts";
import { forwardedHop, permittedClass, withQuota } from "../admission.ts";
import { BodyReader } from "../body.ts";
import { nodeHeaders } from "../headers.ts";
import type { Principal } from "../../access/principal.ts";
import type { Route } from "../route.ts";
import { answers, requests } from "../schemas.ts";
import type { ApiServices } from "../services.ts";
import {
  defaultRequest,
  readInvokeRequest,
  type Report,
  type WireReport,
} from "../../model/invocation.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { Rope } from "../../base/rope.ts";

const encoder = new TextEncoder();

/** Codes of possible errors of an invocation, for all routes that invoke functions. */
export const invocationErrors: readonly ErrorCode[] = [
  "INVALID_REQUEST",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "QUOTA_EXCEEDED",
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

/** Path of the route. */
export const invokeRoute = "/invoke/:fun";

/** Part of a response that depends on the invocation. */
type Answer = Pick<OutgoingResponse, "body" | "held">;

/** Handler of a request that invokes the function of the given name. */
export type InvokeHandler = (
  request: IncomingRequest,
  name: string,
  principal: Principal,
) => Promise<OutgoingResponse>;

/** Creates the handler of invocations. */
export function invokeHandler(services: ApiServices): InvokeHandler {
  const bodies = new BodyReader(services);
  const headersFor = nodeHeaders(services);
  const defaults = Object.freeze({
    ...defaultRequest,
    canOffload: services.config["offload.default"],
  });

  const answer = async (
    http: IncomingRequest,
    name: string,
    principal: Principal,
  ): Promise<Answer> => {
    const hop = forwardedHop(http, principal);
    const { memoryMib } = services.admit(name);
    const { bytes, held } = await bodies.reserved(http);
    let reservation: Disposable = held;
    try {
      const { keyId } = principal;
      const read = await readInvokeRequest(bytes, defaults);
      // The node that the client sent it to has bounded its class, and may know others.
      const qosClass = hop
        ? read.qosClass
        : permittedClass(read.qosClass, principal, services.classes);
      const request = qosClass === read.qosClass ? read : { ...read, qosClass };
      reservation = withQuota(principal, memoryMib, held);
      const inputSize = bytes.length;
      if (request.isAsync) {
        const ReqId = await services.accept(name, request, { keyId, inputSize, reservation });
        return { body: `${JSON.stringify({ ReqId })}\n` };
      }
      const invocation = services.invoke(name, request, { hop, inputSize, reservation });
      http.onDisconnect(() => invocation.cancel());
      const { report } = await invocation.done;
      const { result } = report;
      return {
        body: reportBody(report),
        held: typeof result === "string" ? undefined : result.held,
      };
    } catch (error) {
      reservation[Symbol.dispose]();
      throw error;
    }
  };

  return async (request, name, principal) => {
    try {
      const { body, held } = await answer(request, name, principal);
      return { status: 200, headers: headersFor(request), body, held };
    } catch (thrown) {
      const error = codedError(thrown);
      // The Go node sends its state with every response except this one.
      return errorAnswer(
        error,
        error.code === "FUNCTION_UNKNOWN" ? undefined : headersFor(request),
      ).outgoing;
    }
  };
}

/**
 * Returns the route that invokes functions.
 *
 * @param invoke handler of invocations
 */
export function invokeRoutes(invoke: InvokeHandler): Route[] {
  return [{
    method: "POST",
    paths: [invokeRoute],
    access: "invoke",
    async handle(context, principal) {
      const request = incomingRequest(context.req.raw);
      const name = context.req.param("fun")!;
      const { body, status, headers, held, error } = await invoke(request, name, principal);
      return new KnownResponse(body, status, headers, held, error);
    },
    description,
  }];
}

/**
 * Recognizes a plain invocation without the router, which would double its cost in the API.
 *
 * @returns name of the function; undefined for any request that needs the router
 */
export function invokedFunction({ method, target }: IncomingRequest): string | undefined {
  return method === "POST" ? plainInvocation.exec(target)?.[1] : undefined;
}

const plainInvocation = /^\/invoke\/([A-Za-z0-9._-]+)$/;

/**
 * Returns the report for clients: exactly the documented fields in the documented order. A long result
 * keeps its quoted form.
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

/** Returns the fields of a report after its result. */
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
    "Runs the function and returns its report. An empty body means all defaults, and keys are " +
    "case-insensitive. `CanDoOffloading` (default: the node's `offload.default`) decides whether " +
    "another node may run the function; if it is false and the node cannot run it, the error says " +
    "so. With `Async` the response is an id to poll with. The headers `Serverledge-Node-Name`, " +
    "`-Free-Mem` (MiB), `-Free-CPU`, `-Timestamp` and `-Node-Arch` report the node's state. A client " +
    "that disconnects cancels its invocation; a client that closes only its sending side still gets " +
    "the response.",
  body: requests.invocation,
  bodyIsOptional: true,
  answers: {
    200: { description: "The report; with `Async` the id", schema: answers.invocation },
  },
  errors: invocationErrors,
  curl: `curl $NODE/invoke/hello -d '{"Params": {"name": "Ada"}}'`,
};
