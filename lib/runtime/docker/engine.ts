/**
 * The client of the Docker engine's HTTP API: every request bounded in time, errors translated by
 * status and class.
 *
 * It stands on `fetch` and not on dockerode, which stands on `node:http`: in Deno 2.7 an answer
 * that breaks off there is an exception nobody can catch, so a restart of the engine would end the
 * node.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { type EngineAddress, engineAddress } from "./engine_address.ts";

/** Time in which the engine has to answer an ordinary request. */
const requestTimeoutMs = 60_000;
/** Time in which the engine has to answer whether it is there. */
const pingTimeoutMs = 5_000;

/** One request to the engine. */
export interface EngineRequest {
  /** HTTP method; `GET` if left out. */
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Path with parameters already encoded. */
  readonly path: string;
  /** Query parameters; objects are sent as JSON, as the API's filters are. */
  readonly query?: Readonly<Record<string, string | number | boolean | object>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as a TAR archive. */
  readonly archive?: Uint8Array;
  /** How long it may take; `Infinity` for what lasts as long as a container. */
  readonly timeoutMs?: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** A Docker engine that may be away. */
export class Engine implements Disposable {
  #address: EngineAddress | undefined;
  #client: Promise<Deno.HttpClient> | undefined;
  #closed = false;

  /**
   * Asks the engine something and reads its answer.
   *
   * @typeParam T what the answer is, by the engine's API
   * @param what the request in words, for the error, e.g. `create container x`
   * @param request the request
   * @returns the answer's JSON; undefined if it is empty
   * @throws `ENGINE_UNAVAILABLE` where it does not answer; `INSTANCE_START_FAILED` where it
   *   answers with an error, and {@link engineStatus} tells its HTTP status
   */
  ask<T>(what: string, request: EngineRequest): Promise<T> {
    return this.read(what, request, async (answer) => {
      const text = await answer.text();
      return (text ? JSON.parse(text) : undefined) as T;
    });
  }

  /**
   * Asks the engine something whose answer is not one JSON value.
   *
   * @param what as for {@link Engine.ask}
   * @param request the request
   * @param reader reads the answer, within the request's time
   * @throws as {@link Engine.ask}
   */
  async read<T>(
    what: string,
    request: EngineRequest,
    reader: (answer: Response) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs = requestTimeoutMs, signal } = request;
    const abort = new AbortController();
    const stop = () => abort.abort(signal!.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const timer = timeoutMs === Infinity
      ? undefined
      : setTimeout(() => abort.abort(new EngineTimeout(timeoutMs)), timeoutMs);
    try {
      const answer = await this.#send(request, abort.signal);
      if (!answer.ok) throw await refusal(what, answer);
      return await reader(answer);
    } catch (cause) {
      if (cause instanceof ServerledgeError) throw cause;
      throw await this.#unavailable(what, abort.signal.reason ?? cause);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Whether the engine answers; a reason if not. */
  async available(): Promise<true | string> {
    try {
      const ping = { path: "/_ping", timeoutMs: pingTimeoutMs };
      await this.read("ping", ping, (answer) => answer.text());
      return true;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Closes its connections; nothing can be asked any more. */
  [Symbol.dispose](): void {
    this.#client?.then((client) => client.close(), () => {});
    this.#closed = true;
  }

  async #send(request: EngineRequest, signal: AbortSignal): Promise<Response> {
    if (this.#closed) throw new ServerledgeError("SHUTTING_DOWN", "The node is shutting down");
    this.#address ??= engineAddress((name) => Deno.env.get(name));
    const { base } = this.#address;
    this.#client ??= connect(this.#address);
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(request.query ?? {})) {
      query.set(key, typeof value === "object" ? JSON.stringify(value) : String(value));
    }
    const { json, archive } = request;
    return await fetch(`${base}${request.path}?${query}`, {
      client: await this.#client,
      method: request.method ?? "GET",
      body: archive ? archive as BufferSource : json === undefined ? null : JSON.stringify(json),
      headers: { "Content-Type": archive ? "application/x-tar" : "application/json" },
      signal,
    });
  }

  async #unavailable(what: string, cause: unknown): Promise<ServerledgeError> {
    const address = this.#address?.text ?? "DOCKER_HOST";
    const advice = cause instanceof EngineTimeout
      ? `${cause.message}; see its log`
      : await explain(this.#address?.socket) ?? oneLine((cause as Error).message);
    return new ServerledgeError(
      "ENGINE_UNAVAILABLE",
      `Docker does not answer at ${address} (${what}): ${advice}`,
      { cause },
    );
  }
}

/**
 * The HTTP status with which the engine refused a request.
 *
 * @param error what {@link Engine.ask} threw
 * @returns undefined if the engine did not answer, or for any other error
 */
export function engineStatus(error: unknown): number | undefined {
  if (!(error instanceof ServerledgeError)) return undefined;
  const status = error.details?.engineStatus;
  return typeof status === "number" ? status : undefined;
}

/**
 * The error for something that the engine refused.
 *
 * @param what the request in words
 * @param status HTTP status
 * @param reason in the engine's words
 */
export function engineRefusal(what: string, status: number, reason: string): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `Docker could not ${what}: ${oneLine(reason)}`,
    { details: { engineStatus: status } },
  );
}

class EngineTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

async function connect(address: EngineAddress): Promise<Deno.HttpClient> {
  const { socket, certificates } = address;
  if (socket) return Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const { hostname, port } = new URL(address.base);
  // Set as its own proxy, so that HTTP_PROXY and the like have no say.
  const direct = { transport: "tcp" as const, hostname, port: Number(port || 2375) };
  if (!certificates) return Deno.createHttpClient({ proxy: direct });
  const [ca, cert, key] = await Promise.all(
    ["ca", "cert", "key"].map((name) => Deno.readTextFile(`${certificates}/${name}.pem`)),
  ) as [string, string, string];
  return Deno.createHttpClient({ caCerts: [ca], cert, key });
}

async function refusal(what: string, answer: Response): Promise<ServerledgeError> {
  const text = await answer.text();
  let reason = text;
  try {
    reason = JSON.parse(text).message ?? text;
  } catch {
    // Not the engine's own answer, but perhaps a proxy's.
  }
  return engineRefusal(what, answer.status, reason);
}

/** Tries the socket by itself, since errors of `fetch` do not tell their cause by class. */
async function explain(socket: string | undefined): Promise<string | undefined> {
  if (socket === undefined) return undefined;
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      return "this user may not use it; add the user to the group docker or set DOCKER_HOST";
    }
    return "start it (systemctl start docker) or set DOCKER_HOST";
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
