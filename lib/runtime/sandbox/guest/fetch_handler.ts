/**
 * Web-standard handlers, `export default { fetch(request, env, context) }`: a call becomes a `Request`, and
 * the `Response` becomes its result.
 *
 * @module
 */

import { concatBytes } from "../../../base/bytes.ts";
import type { SandboxSpec } from "../spec.ts";
import type { Handler, InvocationContext } from "./loader.ts";
import type { BeginAnswer } from "./reply_stream.ts";
import { toRequest } from "./web_request.ts";

/** Maximum size of a whole response's body, bytes. Its base64 has to fit into a frame. */
const maxBodyBytes = 44 << 20;
/** Maximum size of the body that is collected before the response is streamed, bytes. */
const maxEarlyBytes = 64 << 10;
/** Timers, kept because the function may replace the global ones. */
const { setTimeout, clearTimeout } = globalThis;

/** Object with a `fetch` method. */
export interface FetchObject {
  /** Responds to a request. */
  fetch(request: Request, env: unknown, context: unknown): Response | Promise<Response>;
}

/** Reports whether a value has a `fetch` method. */
export function isFetchObject(value: unknown): value is FetchObject {
  return typeof value === "object" && value !== null &&
    typeof (value as Record<string, unknown>).fetch === "function";
}

/**
 * Creates a handler for an object with `fetch`. A raw HTTP request (`/fn/NAME/path`) is passed to `fetch` as
 * it is; any other call becomes a POST to `/` with its params as JSON.
 *
 * @param target exported by the function
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
    // The body of a response to HEAD is never sent, so it is not awaited.
    if (isHead) void response.body?.cancel().catch(() => {});
    const answer = isHead
      ? wholeAnswer(response, [])
      : await toAnswer(response, begin, context.signal);
    // The call keeps its instance until all promises given to `waitUntil` have settled.
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
    invoke: (name: string, params?: unknown) => context.invoke(name, params),
  };
}

/**
 * Returns the whole response if its body is available at once or the client accepts no stream. Otherwise
 * streams the response and returns null.
 */
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
  // Without an entry the node would add a default content type.
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
 * Reads the chunks that are available without waiting.
 *
 * @returns the chunks, and the pending read if the stream has not ended
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
  // Cancels the body when the call is aborted, even during a wait for the function's next bytes.
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
    throw new RangeError(`The response body is longer than ${maxBodyBytes} bytes`);
  }
  return chunks;
}

/** Returns a chunk if it is bytes. A function's own stream may produce any value. */
function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("A Response's body must be a stream of Uint8Array");
}
