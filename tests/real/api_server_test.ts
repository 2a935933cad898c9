/**
 * The HTTP server with real sockets: clients that leave, bounds, addresses, stopping.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createApp } from "../../lib/api/app.ts";
import { type ApiServer, serveApi } from "../../lib/api/server.ts";
import type { ApiServices, Invocation } from "../../lib/api/services.ts";
import { ServerledgeError } from "../../lib/base/errors.ts";
import type { InvocationResult } from "../../lib/model/invocation.ts";
import { fakeServices, sampleResult } from "../support/fakes/fake_services.ts";

/** An invocation that a test ends, and that tells when it is cancelled. */
class Held implements Invocation {
  readonly id = "hello-1";
  readonly #end = Promise.withResolvers<InvocationResult>();
  readonly #cancelled = Promise.withResolvers<void>();
  readonly done = this.#end.promise;
  readonly cancelled = this.#cancelled.promise;
  cancellations = 0;

  end(): void {
    this.#end.resolve(sampleResult);
  }

  cancel(): void {
    this.cancellations++;
    this.#cancelled.resolve();
    this.#end.reject(new ServerledgeError("CANCELLED", "The client left"));
  }
}

function listen(services: Partial<ApiServices> = {}): ApiServer {
  const app = createApp(fakeServices(services, { "api.body.max": 1, "code.max": 1 }));
  return serveApi(app.handle, { hostname: "127.0.0.1", port: 0 });
}

/** Sends raw text, as clients with manners of their own do. */
async function connect(server: ApiServer, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

/** Reads until a text has come; the server ends the connection where it never does. */
async function readUntil(connection: Deno.Conn, text: string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1 << 16);
  let seen = "";
  while (!seen.includes(text)) {
    const read = await connection.read(buffer);
    if (read === null) break;
    seen += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return seen;
}

const request = "POST /invoke/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";

/** A server whose invocations are held, and the next of them. */
function holding() {
  const begun = Promise.withResolvers<Held>();
  const invoke = () => {
    const held = new Held();
    begun.resolve(held);
    return held;
  };
  return { server: listen({ invoke }), begun: begun.promise };
}

Deno.test("a client that disconnects cancels its invocation", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const connection = await connect(server, request);
  const held = await begun;
  connection.close();
  await held.cancelled;
  assert.equal(held.cancellations, 1);
});

Deno.test("a client of a function over HTTP that disconnects cancels its invocation", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const connection = await connect(server, "GET /fn/hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const held = await begun;
  connection.close();
  await held.cancelled;
});

Deno.test("a client that closes its sending side gets its response, whatever it asked for", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const asked = (target: string, body: string) =>
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const cases = [
    [asked("/create", '{"Name":"f","Runtime":"python","MemoryMB":64}'), /\{"Created":"f"\}\n$/],
    [asked("/invoke/hello", '{"Async":true}'), /\{"ReqId":"hello-1"\}\n$/],
    ["GET /status HTTP/1.0\r\n\r\n", /"Node":"node1"/],
  ] as const;
  for (const [text, expected] of cases) {
    using connection = await connect(server, text);
    await connection.closeWrite();
    assert.match(await readUntil(connection, "never"), expected);
  }
  using connection = await connect(server, request);
  const held = await begun;
  // Its invocation is under way when the client ends its side.
  await connection.closeWrite();
  const early = await readUntil(connection, "HT");
  held.end();
  assert.match(early + await readUntil(connection, "never"), /^HTTP\/1\.1 200 OK\r\n[^]*\}\n$/);
  assert.equal(held.cancellations, 0);
});

Deno.test("a client that closes its sending side and then disconnects cancels its invocation", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const connection = await connect(server, request);
  const held = await begun;
  await connection.closeWrite();
  await readUntil(connection, "H");
  connection.close();
  await held.cancelled;
});

Deno.test("a client that disconnects after its response, or keeps the connection, cancels nothing", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const connection = await connect(server, request);
  const held = await begun;
  held.end();
  assert.match(await readUntil(connection, "}\n"), /^HTTP\/1.1 200 OK\r\n/);
  // A second answer on the same connection proves that the first request is over and done with.
  const status = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await connection.write(new TextEncoder().encode(status));
  await readUntil(connection, "}\n");
  connection.close();
  await server.shutdown(5000);
  assert.equal(held.cancellations, 0);
});

Deno.test("a client that disconnects while it sends its body starts nothing", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const half = "POST /invoke/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
  (await connect(server, half)).close();
  // The next client's invocation is the first that begins.
  const connection = await connect(server, request);
  const held = await begun;
  held.end();
  assert.match(await readUntil(connection, "}\n"), /^HTTP\/1.1 200 OK\r\n/);
  connection.close();
});

Deno.test("a body with too large a content-length is refused before it is sent", async () => {
  await using server = listen();
  const head = `POST /invoke/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n`;
  using connection = await connect(server, head);
  assert.match(await readUntil(connection, "}\n"), /^HTTP\/1.1 413 /);
});

Deno.test("a chunked body is refused when it gets too large", async () => {
  await using server = listen();
  const head =
    `POST /invoke/hello HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;
  using connection = await connect(server, head);
  const chunk = new TextEncoder().encode(`80000\r\n${" ".repeat(0x80000)}\r\n`);
  const sending = (async () => {
    for (let sent = 0; sent < 3; sent++) await connection.write(chunk);
  })().catch(() => {});
  assert.match(await readUntil(connection, "}\n"), /^HTTP\/1.1 413 /);
  await sending;
});

Deno.test("fetch sees 413 for a large body", async () => {
  await using server = listen();
  const body = new Uint8Array(8 << 20);
  const answer = await fetch(`${server.url}/invoke/hello`, { method: "POST", body });
  assert.equal(answer.status, 413);
  assert.equal((await answer.json()).code, "PAYLOAD_TOO_LARGE");
});

Deno.test("binary bodies pass in both directions", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  await using server = listen({
    invoke(_name, asked) {
      const event = JSON.parse(new TextDecoder().decode(asked.params.json));
      const report = { ...sampleResult.report, result: JSON.stringify({ ...event, headers: {} }) };
      return { id: "1", done: Promise.resolve({ report }), cancel() {} };
    },
  });
  const answer = await fetch(`${server.url}/fn/hello`, { method: "POST", body: bytes });
  assert.deepEqual(await answer.bytes(), bytes);
});

Deno.test("HEAD is answered with headers only", async () => {
  await using server = listen();
  using connection = await connect(
    server,
    "HEAD /fn/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  const answer = await readUntil(connection, "never");
  assert.match(answer, /^HTTP\/1.1 200 OK\r\n/);
  assert.ok(answer.endsWith("\r\n\r\n"));
});

Deno.test("an address that is in use gives one clear error", async () => {
  await using server = listen();
  const again = () =>
    serveApi(createApp(fakeServices()).handle, { hostname: "127.0.0.1", port: server.port });
  assert.throws(again, (thrown: unknown) => {
    assert.ok(thrown instanceof ServerledgeError);
    assert.equal(thrown.code, "CONFIG_INVALID");
    assert.match(thrown.message, /^Cannot listen on 127\.0\.0\.1:\d+: the address is in use; .*$/);
    return true;
  });
});

Deno.test("a stopping server completes requests in progress", async () => {
  const { server, begun } = holding();
  await using _ = server;
  const answer = fetch(`${server.url}/invoke/hello`, { method: "POST" });
  const held = await begun;
  const stopped = server.shutdown(5000);
  held.end();
  assert.equal((await (await answer).json()).Success, true);
  await stopped;
  await assert.rejects(fetch(`${server.url}/status`));
});

Deno.test("a stopping server waits no longer than its limit", async () => {
  const { server, begun } = holding();
  const answer = fetch(`${server.url}/invoke/hello`, { method: "POST" });
  const held = await begun;
  await server.shutdown(1);
  held.end();
  await (await answer).text();
});
