/**
 * Docker engine, called by dockerode. Every request has a time limit, and errors are translated by status
 * and class.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import type Docker from "dockerode";
import { ServerledgeError } from "../../../base/errors.ts";
import { logger } from "../../../base/log.ts";
import type { DockerClients } from "./dockerode.ts";
import { type EngineAddress, engineAddress } from "./address.ts";

/** Time limit of an ordinary request, ms. */
const requestTimeoutMs = 60_000;
/** Time limit of a ping, ms. */
const pingTimeoutMs = 5_000;

const log = logger("runtime");

/** Advice of error messages: functions that work without an engine. */
const alternative = "functions of the runtimes deno and wasm do not need it";

/** Bounds of one request to the engine. */
export interface RequestBounds {
  /** Time limit, ms; `Infinity` for a request that lasts as long as a container. */
  readonly timeoutMs?: number;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
}

/** Properties of an engine. */
export interface EngineFacts {
  /** Architecture of the engine's machine, e.g. `amd64`. */
  readonly architecture: string;
  /** True if the engine can filter system calls. */
  readonly seccomp: boolean;
  /** True if the engine runs without root, in a network of its own. */
  readonly rootless: boolean;
  /** Folder on the engine's machine with the files of its containers. */
  readonly folder: string;
}

/** Docker engine, which may be unreachable. */
export class Engine implements Disposable {
  #address: EngineAddress | undefined;
  #clients: Promise<DockerClients> | undefined;
  #facts: Promise<EngineFacts> | undefined;
  #closed = false;

  /**
   * Sends a request to the engine.
   *
   * @param what description of the request for the error, e.g. `create container x`
   * @param request sends the request by a client of dockerode and reads the response to its end
   * @param bounds time limit and signal
   * @throws `ENGINE_UNAVAILABLE` if the engine does not respond; `ENGINE_REFUSED` if it responds with an
   *   error, whose HTTP status {@link engineStatus} returns; the signal's reason
   */
  async ask<T>(
    what: string,
    request: (docker: Docker) => Promise<T>,
    bounds: RequestBounds = {},
  ): Promise<T> {
    const { timeoutMs = requestTimeoutMs, signal } = bounds;
    const abort = new AbortController();
    const stop = () => abort.abort(signal!.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const timer = timeoutMs === Infinity
      ? undefined
      : setTimeout(() => abort.abort(new EngineTimeout(timeoutMs)), timeoutMs);
    try {
      return await request((await this.#connected()).bounded(abort.signal));
    } catch (cause) {
      if (cause instanceof ServerledgeError) throw cause;
      // The caller has aborted the request, so it does not matter whether the engine is reachable.
      signal?.throwIfAborted();
      throw refusal(what, cause) ?? await this.#unavailable(what, abort.signal.reason ?? cause);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Returns true if the engine responds, otherwise the reason. */
  async available(): Promise<true | string> {
    try {
      await this.ask("ping", (docker) => docker.ping(), { timeoutMs: pingTimeoutMs });
      return true;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Reads properties that do not change while the engine runs. They are requested once. */
  facts(): Promise<EngineFacts> {
    this.#facts ??= this.#askFacts().catch((error) => {
      this.#facts = undefined;
      throw error;
    });
    return this.#facts;
  }

  /** Closes all connections. No request can be sent afterwards. */
  [Symbol.dispose](): void {
    this.#clients?.then((clients) => clients[Symbol.dispose](), () => {});
    this.#closed = true;
  }

  async #askFacts(): Promise<EngineFacts> {
    const [{ Arch }, { SecurityOptions, DockerRootDir }] = await Promise.all([
      this.ask("report its version", (docker) => docker.version()),
      this.ask("report its configuration", (docker) => docker.info()),
    ]);
    const options: readonly string[] = SecurityOptions ?? [];
    const has = (feature: string) => options.some((one) => one.startsWith(`name=${feature}`));
    const seccomp = has("seccomp");
    if (!seccomp) log.warn("Docker runs without seccomp: containers can use all system calls");
    return { architecture: Arch, seccomp, rootless: has("rootless"), folder: DockerRootDir };
  }

  /** Detects a missing engine without loading the client, which takes time and memory. */
  async #knock(): Promise<void> {
    if (this.#clients) return;
    if (await explain(this.#address!.socket) !== undefined) throw new Error("no engine");
  }

  async #connected(): Promise<DockerClients> {
    this.#address ??= engineAddress((name) => Deno.env.get(name));
    await this.#knock();
    if (this.#closed) throw new ServerledgeError("SHUTTING_DOWN", "The node is shutting down");
    this.#clients ??= connect(this.#address);
    try {
      return await this.#clients;
    } catch (error) {
      // The next request tries again: certificates, for example, may be installed later.
      this.#clients = undefined;
      throw error;
    }
  }

  async #unavailable(what: string, cause: unknown): Promise<ServerledgeError> {
    const address = this.#address?.text ?? "DOCKER_HOST";
    const advice = cause instanceof EngineTimeout
      ? `${cause.message}; see its log`
      : await explain(this.#address?.socket) ?? oneLine((cause as Error).message);
    return new ServerledgeError(
      "ENGINE_UNAVAILABLE",
      `Docker does not respond at ${address} (${what}): ${advice}; ${alternative}`,
      { cause },
    );
  }
}

/**
 * Returns the HTTP status with which the engine refused a request.
 *
 * @param error error that {@link Engine.ask} threw
 * @returns undefined if the engine did not respond, and for any other error
 */
export function engineStatus(error: unknown): number | undefined {
  if (!(error instanceof ServerledgeError)) return undefined;
  const status = error.details?.engineStatus;
  return typeof status === "number" ? status : undefined;
}

/**
 * Creates the error for a request that the engine refused.
 *
 * @param what description of the request
 * @param status HTTP status
 * @param reason message of the engine
 */
export function engineRefusal(what: string, status: number, reason: string): ServerledgeError {
  return new ServerledgeError(
    "ENGINE_REFUSED",
    `Docker could not ${what}: ${oneLine(reason)}`,
    { details: { engineStatus: status } },
  );
}

class EngineTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`no response within ${timeoutMs} ms`);
  }
}

async function connect(address: EngineAddress): Promise<DockerClients> {
  const { DockerClients } = await import("./dockerode.ts");
  return new DockerClients({ base: address.base, client: await httpClient(address) });
}

async function httpClient(address: EngineAddress): Promise<Deno.HttpClient> {
  const { socket, certificates } = address;
  if (socket) return Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const { hostname, port } = new URL(address.base);
  // The engine is set as its own proxy, so HTTP_PROXY and similar variables have no effect.
  const direct = { transport: "tcp" as const, hostname, port: Number(port || 2375) };
  if (!certificates) return Deno.createHttpClient({ proxy: direct });
  const [ca, cert, key] = await Promise.all(
    ["ca", "cert", "key"].map((name) => Deno.readTextFile(`${certificates}/${name}.pem`)),
  ) as [string, string, string];
  return Deno.createHttpClient({ caCerts: [ca], cert, key });
}

/** Translates dockerode's error of a refused request, which has the status and the body of the response. */
function refusal(what: string, cause: unknown): ServerledgeError | undefined {
  const { statusCode, json } = cause as { statusCode?: unknown; json?: unknown };
  if (typeof statusCode !== "number") return undefined;
  const reason = (json as { message?: unknown } | null)?.message ?? json;
  return engineRefusal(what, statusCode, String(reason) || `HTTP status ${statusCode}`);
}

/** Connects to the socket directly to find out why a request failed: `fetch` has no error classes for it. */
async function explain(socket: string | undefined): Promise<string | undefined> {
  if (socket === undefined) return undefined;
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      return "this user has no permission to use it; add the user to the group docker or set DOCKER_HOST";
    }
    return error instanceof Deno.errors.NotFound
      ? "install it or start it (systemctl start docker), or set DOCKER_HOST"
      : "start it (systemctl start docker) or set DOCKER_HOST";
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
