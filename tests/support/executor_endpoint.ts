/**
 * The node's endpoint for an executor, and connections to it as an executor makes them.
 *
 * @module
 */

import { ExecutorEndpoint } from "../../lib/runtime/wire/endpoint.ts";
import { FrameBatch } from "../../lib/runtime/wire/frames.ts";
import type { ResultMemory } from "../../lib/runtime/wire/result_memory.ts";
import { tempDir } from "./temp_dir.ts";

/** Opens an endpoint in a folder of its own. */
export async function openEndpoint(token: string, results?: ResultMemory) {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("endpoint"));
  const socket = `${path}/node.sock`;
  const endpoint = stack.use(
    ExecutorEndpoint.open({ path: socket, token, ...(results && { results }) }),
  );
  const kept = stack.move();
  return { endpoint, socket, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Connects as an executor does, and sends frames. */
export async function connect(socket: string, ...frames: string[]): Promise<Deno.UnixConn> {
  const conn = await Deno.connect({ transport: "unix", path: socket });
  await send(conn, ...frames);
  return conn;
}

/** Sends frames. */
export async function send(conn: Deno.Conn, ...frames: string[]): Promise<void> {
  const batch = new FrameBatch();
  for (const frame of frames) batch.add(frame);
  const bytes = batch.bytes();
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Resolves when the other side has closed. */
export async function closed(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // Closed with bytes that nobody had read.
  }
  conn.close();
}
