/**
 * Web-standard handlers, `export default { fetch(request, env, context) }`: a call becomes a
 * `Request`, the `Response` its result.
 *
 * @module
 */

import { concatBytes } from "../../../base/bytes.ts";
import type { SandboxSpec } from "../spec.ts";
import type { Handler, InvocationContext } from "./loader.ts";
import type { BeginAnswer } from "./reply_stream.ts";
import { toRequest } from "./web_request.ts";

/** Most bytes of a whole answer's body: what its base64 in a frame leaves room for. */
const maxBodyBytes = 44 << 20;
/** Most bytes that are waited for to be sent with the head. */
const maxEarlyBytes = 64 << 10;
/** The function may replace the global ones. */
const { setTimeout, clearTimeout } = globalThis;

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
 */
export function fetchHandler(target: FetchObject, spec: SandboxSpec): Handler {
  return async (params, context, begin) => {
    const late: Promise<unknown>[] = [];
    const ctx = {
      ...facts(context),
      waitUntil: (promise: Promise<unknown>) => void late.push(Promise.resolve(promise)),
      passThroughOnException: () => {},
    };
    const request = toRequest(params, context);
    const isHead = request.method === "HEAD";
    const response = await target.fetch(request, { ...spec.env }, ctx);
    if (!(response instanceof Response)) {
      throw new TypeError("fetch(request) must return a Response");
    }
    // Nobody gets the body of an answer to HEAD, so nobody waits for it.
    if (isHead) void response.body?.cancel().catch(() => {});
    const answer = isHead
      ? wholeAnswer(response, [])
      : await toAnswer(response, begin, context.signal);
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

/** The answer, whole if it is there at once or has to be; else it is sent in parts, and null. */
async function toAnswer(
  response: Response,
  begin: BeginAnswer | undefined,
  signal: AbortSignal,
): Promise<object | null> {
  const reader = response.body?.getReader();
  const early = reader && begin ? await readEarly(reader) : undefined;
  if (early?.next) {
    const writer = begin!({ status: response.status, headers: [...response.headers] });
    await sendAll(reader!, early.chunks, early.next, writer, signal);
    return null;
  }
  return wholeAnswer(response, early?.chunks ?? (reader ? await readAll(reader) : []));
}

function wholeAnswer(response: Response, chunks: readonly Uint8Array[]): object {
  const body = chunks.length === 1 ? chunks[0]! : concatBytes(chunks);
  const headers: Record<string, string | string[]> = Object.create(null);
  // Else the node would make one up.
  if (!response.headers.has("content-type")) headers["content-type"] = [];
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") headers[name] = value;
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  return { statusCode: response.status, headers, body: body.toBase64(), isBase64Encoded: true };
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Read = Promise<ReadableStreamReadResult<Uint8Array>>;

/**
 * Reads what has arrived without waiting.
 *
 * @returns the read that more has to be waited for with; undefined if that is all
 */
async function readEarly(reader: Reader): Promise<{ chunks: Uint8Array[]; next?: Read }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, 0);
  try {
    for (;;) {
      const next = reader.read();
      const read = size > maxEarlyBytes ? undefined : await Promise.race([next, late]);
      if (!read) return { chunks, next };
      if (read.done) return { chunks };
      chunks.push(bytesOf(read.value));
      size += read.value.length;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function sendAll(
  reader: Reader,
  chunks: readonly Uint8Array[],
  next: Read,
  writer: ReturnType<BeginAnswer>,
  signal: AbortSignal,
): Promise<void> {
  // Who waits for the function's next bytes has to notice, too, that nobody wants them any more.
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop);
  try {
    for (const chunk of chunks) await writer.write(chunk);
    for (let read = await next; !read.done; read = await reader.read()) {
      await writer.write(bytesOf(read.value));
    }
    signal.throwIfAborted();
  } catch (error) {
    void reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function readAll(reader: Reader): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    chunks.push(bytesOf(read.value));
    size += read.value.length;
    if (size <= maxBodyBytes) continue;
    void reader.cancel().catch(() => {});
    throw new RangeError(`The answer's body is longer than ${maxBodyBytes} bytes`);
  }
  return chunks;
}

/** A stream of a function's own may bring anything. */
function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("A Response's body must be a stream of Uint8Array");
}
