/**
 * The client of the Docker engine: loaded when first needed, every request bounded in time, errors
 * translated by status code and errno.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import type Docker from "dockerode";
import { ServerledgeError } from "../../base/errors.ts";

/** Time in which the engine has to answer an ordinary request. */
const requestTimeoutMs = 60_000;
/** Time in which the engine has to answer whether it is there. */
const pingTimeoutMs = 5_000;

/** What the Docker client library throws. */
interface EngineFailure {
  readonly statusCode?: number;
  readonly code?: string;
  readonly json?: { readonly message?: string } | null;
  readonly message: string;
}

/** A Docker engine that may be away. */
export class Engine {
  #client: Promise<Docker> | undefined;

  /** The engine that `DOCKER_HOST` names, else the one of this machine. */
  get address(): string {
    return Deno.env.get("DOCKER_HOST") || "unix:///var/run/docker.sock";
  }

  /**
   * Asks the engine something.
   *
   * @param what the request in words, for the error, e.g. `create container x`
   * @param operation makes the request
   * @param timeoutMs how long it may take; `Infinity` for what lasts as long as a container
   * @throws `ENGINE_UNAVAILABLE` where it does not answer; `INSTANCE_START_FAILED` where it
   *   answers with an error, and {@link engineStatus} tells its HTTP status
   */
  async ask<T>(
    what: string,
    operation: (docker: Docker) => Promise<T>,
    timeoutMs = requestTimeoutMs,
  ): Promise<T> {
    const docker = await this.#docker();
    try {
      return await bounded(operation(docker), timeoutMs);
    } catch (cause) {
      throw this.#translate(what, cause);
    }
  }

  /** Whether the engine answers; a reason if not. */
  async available(): Promise<true | string> {
    try {
      await this.ask("ping", (docker) => docker.ping(), pingTimeoutMs);
      return true;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #docker(): Promise<Docker> {
    // The library takes 60 ms to load, which a node's start must not pay for.
    this.#client ??= import("dockerode").then(({ default: Client }) => new Client());
    return this.#client;
  }

  #translate(what: string, cause: unknown): ServerledgeError {
    const failure = cause as EngineFailure;
    if (failure.statusCode === undefined) {
      return new ServerledgeError(
        "ENGINE_UNAVAILABLE",
        `Docker does not answer at ${this.address} (${what}): ${advice(cause)}`,
        { cause },
      );
    }
    const said = (failure.json?.message ?? failure.message).replace(/\s+/g, " ").trim();
    return new ServerledgeError("INSTANCE_START_FAILED", `Docker could not ${what}: ${said}`, {
      cause,
      details: { engineStatus: failure.statusCode },
    });
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

class EngineTimeout extends Error {}

function bounded<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  if (timeoutMs === Infinity) return promise;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new EngineTimeout(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function advice(cause: unknown): string {
  if (cause instanceof EngineTimeout) return `${cause.message}; see its log`;
  switch ((cause as EngineFailure).code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return "start it (systemctl start docker) or set DOCKER_HOST";
    case "EACCES":
    case "EPERM":
      return "this user may not use it; add the user to the group docker or set DOCKER_HOST";
    default:
      return (cause as Error).message.replace(/\s+/g, " ");
  }
}
