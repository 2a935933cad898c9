/**
 * Web-standard handlers, `export default { fetch(request, env, context) }`: a call becomes a
 * `Request`, the `Response` its result.
 *
 * @module
 */

import type { JsonObject } from "../../../model/json.ts";
import type { SandboxSpec } from "../spec.ts";
import type { Handler, InvocationContext } from "./loader.ts";

/** Most bytes of an answer's body: what its base64 in a frame leaves room for. */
const maxBodyBytes = 44 << 20;
const noBody: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** An object with a `fetch` method. */
export interface FetchObject {
  /** Answers a request. */
  fetch(request: Request, env: unknown, context: unknown): Response | Promise<Response>;
}

/** Whether something has a `fetch` method. */
export function isFetchObject(value: unknown): value is FetchObject {
  return typeof value === "object" && value !== null &&
    typeof (value as Record<string, unknown>).fetch === "function";
}

/**
 * Makes a handler of an object with `fetch`. A call by plain HTTP (`/fn/NAME/path`) is the request
 * itself; any other is a POST to `/` with its params as JSON.
 *
 * @param target the function's object
 * @param spec the function
 */
export function fetchHandler(target: FetchObject, spec: SandboxSpec): Handler {
  return async (params, context) => {
    const late: Promise<unknown>[] = [];
    const ctx = {
      ...facts(context),
      waitUntil: (promise: Promise<unknown>) => void late.push(Promise.resolve(promise)),
      passThroughOnException: () => {},
    };
    const response = await target.fetch(toRequest(params, context), { ...spec.env }, ctx);
    if (!(response instanceof Response)) {
      throw new TypeError("fetch(request) must return a Response");
    }
    const answer = await toAnswer(response);
    // The instance belongs to the call until all that it promised to wait for is done.
    await Promise.allSettled(late);
    return answer;
  };
}

function facts(context: InvocationContext) {
  const { functionName, requestId, deadlineMs, memoryLimitMib, area, node } = context;
  return {
    functionName,
    requestId,
    deadlineMs,
    memoryLimitMib,
    area,
    node,
    remainingMs: () => context.remainingMs(),
  };
}

function toRequest(params: JsonObject | null, context: InvocationContext): Request {
  const { signal, functionName } = context;
  const base = `http://${functionName.toLowerCase().replace(/[^a-z0-9.-]/g, "-")}`;
  if (!isHttpEvent(params)) {
    return new Request(`${base}/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
      signal,
    });
  }
  const query = new URLSearchParams();
  for (const [key, values] of Object.entries(params.query ?? {})) {
    for (const value of [values].flat()) query.append(key, String(value));
  }
  const { method, path, headers, body } = params;
  const host = headers.host ? `http://${headers.host}` : base;
  const search = query.size > 0 ? `?${query}` : "";
  return new Request(new URL(path + search, host), {
    method,
    headers,
    body: noBody.has(method) ? null : params.isBase64Encoded ? Uint8Array.fromBase64(body) : body,
    signal,
  });
}

/** A call by plain HTTP; see the node's `HttpEvent`. */
interface HttpEvent {
  readonly method: string;
  readonly path: string;
  readonly query?: Record<string, string | string[]>;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

function isHttpEvent(params: unknown): params is HttpEvent {
  const event = params as Partial<HttpEvent> | null;
  return typeof event === "object" && event !== null && typeof event.method === "string" &&
    typeof event.path === "string" && typeof event.headers === "object" &&
    typeof event.body === "string" && typeof event.isBase64Encoded === "boolean";
}

async function toAnswer(response: Response): Promise<object> {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") headers[name] = value;
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  const body = await readBody(response);
  return { statusCode: response.status, headers, body: body.toBase64(), isBase64Encoded: true };
}

async function readBody(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBodyBytes) {
      throw new RangeError(`The answer's body is longer than ${maxBodyBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
