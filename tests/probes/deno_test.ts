/**
 * Probes of defects of Deno that the code works around. A probe that fails tells that its defect is
 * gone with the version of Deno at hand: the workaround that it names can go, and the probe with it.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { makeCertificate } from "../support/network/certificates.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Runs a module in a process of its own, which fetches nothing. */
async function run(code: string, ...flags: string[]): Promise<string> {
  await using folder = await tempDir("probe");
  const path = join(folder.path, "probe.ts");
  await Deno.writeTextFile(path, code);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-check", ...flags, path],
    env: { NO_COLOR: "1" },
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** Code that listens on a port and treats each connection by `handle`, when something came. */
const server = (handle: string) => `
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const { port } = listener.addr;
const write = (conn, text) => conn.write(new TextEncoder().encode(text));
let requests = 0;
async function serve(conn) {
  await conn.read(new Uint8Array(4096));
  requests++;
  ${handle}
  conn.close();
}
(async () => { for await (const conn of listener) serve(conn); })();
`;

Deno.test("node:http: a response that breaks off ends the process (lib/runtime/docker/engine/fetch_modem.ts)", async () => {
  const output = await run(`import http from "node:http";
    ${server('await write(conn, "HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhello");')}
    http.get({ host: "127.0.0.1", port }, (response) => {
      response.on("error", () => {}).on("close", () => Deno.exit()).resume();
    }).on("error", () => Deno.exit());
    setTimeout(() => Deno.exit(), 5000);`);
  assert.match(output, /Uncaught \(in promise\) TypeError: error reading a body from connection/);
});

Deno.test("node:http: a request without a response never ends (lib/runtime/docker/engine/fetch_modem.ts)", async () => {
  const output = await run(`import http from "node:http";
    ${server("")}
    const tell = () => { console.log("it ended"); Deno.exit(); };
    http.get({ host: "127.0.0.1", port }, tell).on("error", tell).on("close", tell);
    setTimeout(() => { console.log("silence"); Deno.exit(); }, 1000);`);
  assert.equal(output, "silence\n");
});

Deno.test("node:http2: a session on a socket that has just connected hangs, denoland/deno#33009 (lib/registry/etcd/client/gateway.ts)", async () => {
  const output = await run(`import http2 from "node:http2";
    import net from "node:net";
    const server = http2.createServer();
    server.on("stream", (stream) => { stream.respond({ ":status": 200 }); stream.end(); });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    const socket = net.connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const session = http2.connect("http://127.0.0.1:" + port, { createConnection: () => socket });
    session.request({ ":path": "/" }).on("end", () => { console.log("answered"); Deno.exit(); }).resume();
    setTimeout(() => { console.log("silence"); Deno.exit(); }, 2000);`);
  assert.equal(output, "silence\n");
});

Deno.test("fetch: a request whose connection closes is sent again, denoland/deno#35610 (lib/http/connection.ts)", async () => {
  const output = await run(`${server("")}
    await fetch("http://127.0.0.1:" + port, { method: "POST", body: "x" }).catch(() => {});
    console.log(requests);
    Deno.exit();`);
  assert.equal(output, "2\n");
});

Deno.test("Deno.listenTls: a connection has no setNoDelay, and keeps its socket until the client ends the handshake (lib/http/server/libc.ts)", async () => {
  await using folder = await tempDir("probe");
  const { cert, key } = await makeCertificate(folder.path, "probe");
  const output = await run(`
    const [cert, key] = ${JSON.stringify([cert, key])}.map((path) => Deno.readTextFileSync(path));
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const conn = await listener.accept();
    console.log("setNoDelay" in conn);
    conn.handshake().catch(() => {});
    conn.close();
    const end = client.read(new Uint8Array(1)).then(() => "closed", () => "closed");
    const silence = new Promise((resolve) => setTimeout(resolve, 1000, "open"));
    console.log(await Promise.race([end, silence]));
    Deno.exit();`);
  assert.equal(output, "false\nopen\n");
});

Deno.test("node:tls: TLSSocket does not serve an accepted connection (lib/http/server/tls_port.ts)", async () => {
  await using folder = await tempDir("probe");
  const { cert, key } = await makeCertificate(folder.path, "probe");
  const output = await run(`import net from "node:net";
    import tls from "node:tls";
    const [cert, key] = ${JSON.stringify([cert, key])}.map((path) => Deno.readTextFileSync(path));
    const server = net.createServer((socket) => {
      const secureContext = tls.createSecureContext({ cert, key });
      const secured = new tls.TLSSocket(socket, { isServer: true, secureContext });
      // The first byte of a handshake (RFC 8446, 5.1), which nobody answers.
      secured.once("data", (data) => { console.log(data[0]); Deno.exit(); });
    });
    server.listen(0, "127.0.0.1", async () => {
      const { port } = server.address();
      const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts: [cert] });
      await conn.write(new TextEncoder().encode("x"));
    });`);
  assert.equal(output, "22\n");
});

Deno.test("fetch: sends plain text to https: over a proxy of transport tcp (lib/cli/client/client.ts)", async () => {
  const output = await run(`
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const client = Deno.createHttpClient({ proxy: { transport: "tcp", hostname: "127.0.0.1", port } });
    fetch("https://127.0.0.1:" + port + "/secret", { client }).catch(() => {});
    const buffer = new Uint8Array(64);
    await (await listener.accept()).read(buffer);
    console.log(new TextDecoder().decode(buffer).split(" HTTP")[0]);
    Deno.exit();`);
  assert.match(output, /^GET https:.*\/secret\n$/);
});

Deno.test("AbortSignal.any: a signal that somebody listens to is collected, denoland/deno#29075 (lib/base/async.ts)", async () => {
  const output = await run(
    `const control = new AbortController();
    let hasFired = false;
    (() => AbortSignal.any([control.signal]).addEventListener("abort", () => hasFired = true))();
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
    control.abort();
    console.log(hasFired);`,
    "--v8-flags=--expose-gc",
  );
  assert.equal(output, "false\n");
});

Deno.test("node:sqlite: iterate() ends without an error at a damaged page (lib/registry/local/registry.ts)", async () => {
  await using folder = await tempDir("probe");
  const path = join(folder.path, "a.db");
  const { DatabaseSync } = await import("node:sqlite");
  const rows = 200;
  const written = new DatabaseSync(path);
  written.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
  const insert = written.prepare("INSERT INTO t (b) VALUES (?)");
  for (let i = 0; i < rows; i++) insert.run("x".repeat(500));
  written.close();
  const bytes = await Deno.readFile(path);
  const page = 4096;
  bytes.fill(0xff, 15 * page, 16 * page);
  await Deno.writeFile(path, bytes);
  const damaged = new DatabaseSync(path);
  const select = damaged.prepare("SELECT * FROM t");
  assert.throws(() => select.all());
  assert.ok([...select.iterate()].length < rows);
  damaged.close();
});

Deno.test("deno bundle --minify: drops using declarations (scripts/build/minify.ts)", async () => {
  await using folder = await tempDir("probe");
  const [source, bundle] = ["a.ts", "a.js"].map((name) => join(folder.path, name)) as [
    string,
    string,
  ];
  await Deno.writeTextFile(
    source,
    `class Held { use() {} [Symbol.dispose]() { console.log("disposed"); } }
    { using held = new Held(); held.use(); }`,
  );
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--no-config", "--minify", "-o", bundle, source],
    stdout: "null",
    stderr: "null",
  }).output();
  assert.ok(success);
  assert.equal(await run(await Deno.readTextFile(bundle)), "");
});
