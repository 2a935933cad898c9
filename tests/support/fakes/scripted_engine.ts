/**
 * An engine that answers what the test says, byte by byte.
 *
 * @module
 */

import { tempDir } from "../temp_dir.ts";

/**
 * Sets `DOCKER_HOST` to such an engine until disposed. It answers once per connection.
 *
 * @param answer receives a request as it came; the answer's bytes, after which it hangs up, an endless
 *   answer as `{ begin }`, or undefined to stay mute
 */
export async function scriptedEngine(
  answer: (request: string) => string | { readonly begin: string } | undefined,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("engine"));
  const before = Deno.env.get("DOCKER_HOST");
  Deno.env.set("DOCKER_HOST", `unix://${path}/docker.sock`);
  stack.defer(() => {
    if (before === undefined) Deno.env.delete("DOCKER_HOST");
    else Deno.env.set("DOCKER_HOST", before);
  });
  const listener = stack.use(Deno.listen({ transport: "unix", path: `${path}/docker.sock` }));
  const open = new Set<Deno.Conn>();
  stack.defer(() => open.forEach((conn) => conn.close()));
  const serve = async (conn: Deno.Conn) => {
    const request = new Uint8Array(65_536);
    const length = await conn.read(request);
    if (length === null) return conn.close();
    const said = answer(new TextDecoder().decode(request.subarray(0, length)));
    const text = typeof said === "object" ? said.begin : said;
    if (text !== undefined) await conn.write(new TextEncoder().encode(text));
    if (typeof said === "string") conn.close();
    else open.add(conn);
  };
  void (async () => {
    // One that the client closes meanwhile is no answer's concern.
    for await (const conn of listener) void serve(conn).catch(() => conn.close());
  })();
  const kept = stack.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * An answer of the engine.
 *
 * @param status e.g. `200 OK`
 * @param body ASCII, JSON or the frames of a log
 */
export function engineReply(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
}
