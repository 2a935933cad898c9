/**
 * Answers each request with the same bytes, as fast as it can: it looks only for the end of a request
 * of one piece. Prints its port.
 *
 * Usage: deno run --allow-net constant_server.ts ANSWER
 *
 * @module
 */

const body = Deno.args[0] ?? "";
const answer = new TextEncoder().encode(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(4096);
  try {
    while (await conn.read(buffer) !== null) await conn.write(answer);
  } catch {
    // The client has gone.
  } finally {
    conn.close();
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);
for await (const conn of listener) void serve(conn);
