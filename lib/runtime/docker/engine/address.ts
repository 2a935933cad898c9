/**
 * Address of the Docker engine, read from `DOCKER_HOST` and related environment variables.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";

/** Target of requests to the engine. */
export interface EngineAddress {
  /** Address for messages, e.g. `unix:///var/run/docker.sock`. */
  readonly text: string;
  /** Base of request URLs. */
  readonly base: string;
  /** Path of the unix socket, if the address is one. */
  readonly socket?: string;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`, if TLS is configured. */
  readonly certificates?: string;
}

/** Returns the value of an environment variable. */
export type EngineVariables = (name: string) => string | undefined;

/**
 * Reads the address from the environment.
 *
 * @throws `ENGINE_UNAVAILABLE` if the kind of address is not supported
 * @see https://docs.docker.com/reference/cli/docker/#environment-variables
 */
export function engineAddress(env: EngineVariables): EngineAddress {
  const text = env("DOCKER_HOST") || "unix:///var/run/docker.sock";
  const match = /^(unix|tcp|http|https):\/\/(.+?)\/*$/.exec(text);
  if (!match) {
    throw new ServerledgeError(
      "ENGINE_UNAVAILABLE",
      `DOCKER_HOST must be unix://PATH or tcp://HOST:PORT, current value is ${text}`,
    );
  }
  const [, kind, rest] = match as unknown as [string, string, string];
  if (kind === "unix") return { text, base: "http://docker", socket: rest };
  const tls = kind === "https" || (kind === "tcp" && Boolean(env("DOCKER_TLS_VERIFY")));
  const base = `${tls ? "https" : "http"}://${rest}`;
  const certificates = env("DOCKER_CERT_PATH") || `${env("HOME") ?? ""}/.docker`;
  return tls ? { text, base, certificates } : { text, base };
}
