/**
 * Route `ANY /fn/:name/*`: functions as plain HTTP services for `curl --data-binary`, forms, browsers.
 *
 * @module
 */

import type { Context } from "hono";
import type { Principal } from "../../access/principal.ts";
import { forwardedHop, permittedClass, withQuota } from "../admission.ts";
import { BodyReader } from "../body.ts";
import type { BodyBudget } from "../body_budget.ts";
import { resourcePairs } from "../headers.ts";
import { passedOn, toHttpAnswer, toHttpEvent, toRawRequest } from "./http_event.ts";
import { longHttpEvent } from "./long_event.ts";
import { invocationErrors } from "./invoke.ts";
import { toLongHttpAnswer } from "./long_answer.ts";
import type { Route } from "../route.ts";
import type { ApiServices, Invocation } from "../services.ts";
import type { IncomingRequest } from "../../http/server/messages.ts";
import { incomingRequest, KnownResponse } from "../../http/server/web.ts";
import { reportHeaderOf } from "../../cluster/peers/event_exchange.ts";
import { sliceBytes } from "../../base/slices.ts";
import { type ErrorCode, ServerledgeError } from "../../base/errors.ts";
import type { QuotedText } from "../../json/quoted.ts";
import {
  defaultRequest,
  type InvocationResult,
  type InvokeRequest,
} from "../../model/invocation.ts";
import type { RawHttpRequest } from "../../model/raw_http.ts";
import { paramsOf } from "../../model/params.ts";

/** Returns the route that serves functions over HTTP. */
export function httpFunctionRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);
  const { "fn.debug": isOpen, "offload.default": mayOffload } = services.config;

  const handle = async (context: Context, principal: Principal): Promise<Response> => {
    const request = incomingRequest(context.req.raw);
    const name = context.req.param("name")!;
    const hop = forwardedHop(request, principal);
    const { memoryMib } = services.admit(name);
    const { keyId } = principal;
    const qosClass = permittedClass(defaultRequest.qosClass, principal, services.classes);
    const { bytes, held } = await bodies.reserved(request);
    const reservation = withQuota(principal, memoryMib, held);
    const result = await answered(request, reservation, () => {
      const httpRequest = withEvent(toRawRequest(request, bytes, keyId !== ""));
      const origin = { hop, keyId, inputSize: bytes.length, httpRequest, reservation };
      const asked = requestOf(httpRequest, mayOffload, qosClass);
      const invocation = services.invoke(name, asked, origin);
      // Another node needs all details, since it logs them and decides what its client receives.
      return hop || isOpen ? invocation : guarded(invocation);
    });
    const answer = await answerOf(result, services);
    if (!hop) return answer;
    const { status, headers, body, held: reserved } = answer.outgoing;
    const added = [reportHeaderOf(result.report), ...resourcePairs(services.free())];
    const kept = headers.filter(([name]) => !added.some(([other]) => other === name));
    return new KnownResponse(body, status, [...kept, ...added], reserved);
  };

  const paths: Route["paths"] = ["/fn/:name/:path{.*}", "/fn/:name"];
  return [{ method: "ANY", paths, access: "invoke", open: true, description, handle }];
}

function answerOf(
  { report: { result }, response }: InvocationResult,
  { bodies }: Pick<ApiServices, "bodies">,
): KnownResponse | Promise<KnownResponse> {
  if (response) return passedOn(response);
  return typeof result === "string" ? toHttpAnswer(result) : longAnswer(result, bodies);
}

/** Returns the response for a long result, and releases the memory of the result. */
async function longAnswer(result: QuotedText, bodies: BodyBudget): Promise<KnownResponse> {
  using _result = result.held;
  using owned = new DisposableStack();
  const held = owned.use(bodies.takeResult(0));
  const { outgoing } = await toLongHttpAnswer(result, (bytes) => held.hold(bytes));
  return new KnownResponse(outgoing.body, outgoing.status, outgoing.headers, owned.move());
}

/** Waits for the result of an invocation. After an error, it releases the reservation of the request. */
async function answered(
  request: IncomingRequest,
  held: Disposable,
  invoke: () => Invocation,
): Promise<InvocationResult> {
  try {
    const invocation = invoke();
    request.onDisconnect(() => invocation.cancel());
    return await invocation.done;
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** Codes of errors whose message comes from the function or its image. */
const ownWords: ReadonlySet<ErrorCode> = new Set([
  "FUNCTION_ERROR",
  "FUNCTION_CRASHED",
  "INSTANCE_START_FAILED",
  "ENGINE_REFUSED",
  "STORAGE_FULL",
]);

/** Returns an invocation whose errors contain nothing that anonymous clients must not see. */
function guarded(invocation: Invocation): Invocation {
  const { id } = invocation;
  const done = invocation.done.catch((error) => {
    throw withoutParticulars(error, id);
  });
  return { id, done, cancel: () => invocation.cancel() };
}

/**
 * Returns the error for anonymous clients. Any client of the node can use the route, and a traceback
 * or the output of a function reveals its code and data.
 *
 * @param error error of an invocation
 * @param id id of the invocation, under which the log of the function has the details
 */
function withoutParticulars(error: ServerledgeError, id: string): ServerledgeError {
  const { traceback: _, output: __, error: ___, ...details } = error.details ?? {};
  const message = ownWords.has(error.code)
    ? `The function ${
      error.elsewhere ? "did not run" : "failed"
    }; its log has the details of request ${id}`
    : error.message;
  return new ServerledgeError(error.code, message, {
    cause: error,
    details: { ...details, requestId: id },
  });
}

/** Adds an event for a long body, which the node that runs the function quotes or encodes in slices. */
function withEvent(httpRequest: RawHttpRequest): RawHttpRequest {
  if (httpRequest.body.length <= sliceBytes) return httpRequest;
  return { ...httpRequest, event: async () => ({ json: await longHttpEvent(httpRequest) }) };
}

/** Returns the request of an invocation. The node that runs the function creates the event on demand. */
function requestOf(
  httpRequest: RawHttpRequest,
  mayOffload: boolean,
  qosClass: InvokeRequest["qosClass"],
): InvokeRequest {
  let event: InvokeRequest["params"] | undefined;
  return {
    get params() {
      return event ??= paramsOf(toHttpEvent(httpRequest));
    },
    qosClass,
    maxResponseS: 0,
    locality: "any",
    canOffload: mayOffload,
    isAsync: false,
    returnOutput: false,
  };
}

const description: Route["description"] = {
  tag: "Functions over HTTP",
  summary: "Use a function as an HTTP service",
  details:
    "The handler's params are the HTTP request: `{method, url, path, query, headers, body, " +
    "isBase64Encoded}`. `path` is the part after the function's name, `url` is the path and query " +
    "exactly as sent, header names are in lower case, and a body that is not text is encoded as " +
    "base64. If the handler returns `{statusCode, headers, body, isBase64Encoded}`, this becomes the " +
    "response (an empty list as `content-type` omits the header); a string is sent as plain text, " +
    "and any other value as JSON. For a `fetch(request)` handler of the runtime `deno`, a body that " +
    "is not complete when the handler returns is streamed; if the function fails later, the transfer " +
    "is aborted. The response to a failure does not contain the function's output, which is in its " +
    "log (`requestId`), unless `fn.debug` of the node is true.",
  answers: { 200: { description: "The function's response", mediaType: "*/*" } },
  errors: invocationErrors,
  curl:
    "curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' $NODE/fn/resize/small?width=320",
};
