/**
 * The command line as a process of its own, against the real API over fake services.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createApp } from "../../lib/api/app.ts";
import { serveApi } from "../../lib/api/server.ts";
import type { ApiServices } from "../../lib/api/services.ts";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { fakeServices, invocationOf } from "./fakes/fake_services.ts";
import { cleanEnv, runToEnd } from "./process.ts";

/** Folder of the tree. */
export const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("SERVERLEDGE_BINARY");
/** The command line: the binary that `SERVERLEDGE_BINARY` names, else the source. */
export const program = binary
  ? [binary]
  : [Deno.execPath(), "run", "--quiet", "-A", `${root}main.ts`];

/** An environment without a configuration file at home, but with Deno's cache, which lies there. */
export const homeless: Record<string, string> = {
  ...cleanEnv(),
  HOME: "/nonexistent",
  XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`,
};

/** What a command line ended with. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line without a node. */
export function cli(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return runToEnd([...program, ...args], { env: { ...homeless, ...env } });
}

/** A node's API, and the command line that talks to it. */
export function node(overrides: Partial<ApiServices> = {}) {
  const server = serveApi(createApp(fakeServices(overrides)).handle, {
    hostname: "127.0.0.1",
    port: 0,
  });
  const env = { ...homeless, SERVERLEDGE_PORT: String(server.port) };
  return {
    port: server.port,
    run: (args: readonly string[], stdin?: string): Promise<Ended> =>
      runToEnd([...program, ...args], { env, ...(stdin !== undefined && { stdin }) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A node that fails each invocation with an error. */
export function failing(error: ServerledgeError): Partial<ApiServices> {
  return { invoke: () => invocationOf(Promise.reject(error)) };
}

/** Asserts that a command failed with one line and nothing else. */
export function assertRefused(ended: Ended, code: number, line: RegExp): void {
  assert.equal(ended.code, code, ended.stderr);
  assert.equal(ended.stdout, "");
  assert.match(ended.stderr, /^serverledge: [^\n]+\n$/);
  assert.match(ended.stderr, line);
}
