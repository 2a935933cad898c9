/**
 * Transport of dockerode, based on `fetch`. Its own is based on `node:http`, where
 * in Deno 2.7.11 a response that breaks off is a rejection nobody can catch and a connection that
 * closes without one is no event at all, so a restart of the engine would end the node or hang it
 * (`tests/probes/`; no public issue of Deno is known to describe either).
 *
 * `fetch` sends a request again if its connection closes before the answer begins, as it does when
 * the engine restarts (https://github.com/denoland/deno/issues/35610). So requests must bear being sent twice, and ours do: containers and
 * networks have names of their own (the second creation is refused, and cleaning up goes by name);
 * starting, killing, removing and pulling twice is the same as once.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";

/** Target of requests. */
export interface ModemTransport {
  /** Base of request URLs. */
  readonly base: string;
  /** The connections. */
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

/** Headers that belong to the connection: `fetch` sets them itself. */
const connectionHeaders = new Set(["content-length", "transfer-encoding", "connection", "upgrade"]);

/**
 * Creates a docker-modem that sends its requests by `fetch`. Attaching to a container's input and output,
 * which takes over the connection, is refused.
 *
 * @param modem what it is but for that; made with a `socketPath`, so that paths stay bare
 * @param signal aborts the start its requests
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
    throw new TypeError("Taking over the engine's connection is not supported");
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
  // Its reader gets the error too; without a reader, the error would end the process.
  readable.on("error", () => {});
  return Object.assign(readable, { statusCode });
}

/** Never returns null: dockerode accesses responses without a check. */
async function read(answer: Response): Promise<unknown> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.headers.get("content-type")?.startsWith("application/json")) return bytes;
  try {
    return JSON.parse(bytes.toString()) ?? bytes;
  } catch {
    return bytes;
  }
}
