/**
 * The hono server that the warm path is compared with, in a process of its own.
 *
 * @module
 */

import { freePort } from "../../../tests/support/network/free_port.ts";
import { eventually } from "../../../tests/support/eventually.ts";
import { invokeBody } from "./client.ts";

/** A running hono server. */
export interface HonoProcess extends AsyncDisposable {
  /** Where to POST to. */
  readonly url: string;
}

/** Starts the server and waits until it answers. */
export async function startHono(): Promise<HonoProcess> {
  const port = freePort();
  const script = new URL("hono_server.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net", script, String(port)],
    stdin: "null",
  }).spawn();
  const server: HonoProcess = {
    url: `http://127.0.0.1:${port}/invoke/trivial`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
  try {
    await eventually("hono responds", () => answers(server.url));
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { method: "POST", body: invokeBody });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false; // not listening yet
  }
}
