/**
 * Transport of dockerode, based on `fetch`. Its own transport is based on `node:http` and has two defects
 * in Deno 2.7.11: an incomplete response is a rejection that cannot be caught, and a connection that
 * closes without a response causes no event. So a restart of the engine would end or hang the node
 * (`tests/probes/`; no public issue of Deno is known to describe either defect).
 *
 * `fetch` sends a request again if its connection closes before the response begins, which happens when
 * the engine restarts (https://github.com/denoland/deno/issues/35610). So all requests must be idempotent:
 * containers and networks have unique names (the second creation is refused, and removal is by name), and
 * starting, killing, removing or pulling twice has the same effect as once.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";

/** Target of requests. */
export interface ModemTransport {
  /** Base of request URLs. */
  readonly base: string;
  /** Client with the connections. */
  readonly client: Deno.HttpClient;
}

/** Request as docker-modem's `dial` builds it. */
interface ModemRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** The caller's side of a request. */
interface ModemContext {
  readonly isStream?: boolean;
  readonly hijack?: boolean;
  readonly openStdin?: boolean;
  readonly statusCodes: Readonly<Record<number, string | boolean>>;
}

type ModemData = string | Uint8Array | Readable | undefined;
type ModemCallback = (error: Error | null, result: unknown) => void;

/** Methods of docker-modem that requests pass through. */
interface Modem {
  buildRequest(
    request: ModemRequest,
    context: ModemContext,
    data: ModemData,
    callback: ModemCallback,
  ): void;
  buildPayload(
    error: Error | null,
    isStream: boolean,
    statusCodes: ModemContext["statusCodes"],
    openStdin: boolean,
    request: object,
    response: object,
    json: unknown,
    callback: ModemCallback,
  ): void;
}

/** Response: a stream if one was requested, otherwise JSON or bytes. */
interface ModemAnswer {
  readonly response: { readonly statusCode: number };
  readonly isStream: boolean;
  readonly content: unknown;
}

/** Headers of the connection, which `fetch` sets itself. */
const connectionHeaders = new Set(["content-length", "transfer-encoding", "connection", "upgrade"]);

/**
 * Creates a docker-modem that sends its requests by `fetch`. It refuses to attach to a container's input
 * and output, because that takes over the connection.
 *
 * @param modem prototype of the result; created with a `socketPath`, so request paths have no host
 * @param signal aborts its requests
 */
export function sendByFetch<M extends object>(
  modem: M,
  transport: ModemTransport,
  signal: AbortSignal,
): M {
  const sender: M & Modem = Object.create(modem);
  sender.buildRequest = (request, context, data, callback) => {
    const { statusCodes } = context;
    exchange(transport, signal, request, context, data).then(
      ({ response, isStream, content }) =>
        sender.buildPayload(null, isStream, statusCodes, false, {}, response, content, callback),
      (error) => callback(error, null),
    );
  };
  return sender;
}

async function exchange(
  { base, client }: ModemTransport,
  signal: AbortSignal,
  request: ModemRequest,
  context: ModemContext,
  data: ModemData,
): Promise<ModemAnswer> {
  if (context.hijack || context.openStdin) {
    throw new TypeError("Connection upgrades are not supported");
  }
  const answer = await fetch(base + request.path, {
    client,
    method: request.method,
    headers: Object.entries(request.headers)
      .filter(([name]) => !connectionHeaders.has(name.toLowerCase()))
      .map(([name, value]): [string, string] => [name, String(value)]),
    body: data instanceof Readable
      ? Readable.toWeb(data) as ReadableStream
      : data as BufferSource | string ?? null,
    redirect: "manual",
    signal,
  });
  const statusCode = answer.status;
  if (context.isStream && answer.ok && answer.body) {
    return { response: stream(answer.body, statusCode), isStream: true, content: null };
  }
  return { response: { statusCode }, isStream: false, content: await read(answer) };
}

function stream(body: ReadableStream, statusCode: number): Readable & { statusCode: number } {
  const readable = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  // The reader of the stream also receives the error. Without a reader, the error would end the process.
  readable.on("error", () => {});
  return Object.assign(readable, { statusCode });
}

/** Reads a body as JSON or bytes. It never returns null, because dockerode accesses responses unchecked. */
async function read(answer: Response): Promise<unknown> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.headers.get("content-type")?.startsWith("application/json")) return bytes;
  try {
    return JSON.parse(bytes.toString()) ?? bytes;
  } catch {
    return bytes;
  }
}
