/**
 * The compiled node over TLS, against clients that people use: curl and openssl.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { get } from "../support/client.ts";
import { makeCertificate, replaceCertificate } from "../support/network/certificates.ts";
import { freePort } from "../support/network/free_port.ts";
import { type NodeProcess, startNodeProcess, startWithTls } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const curl = (port: number, ca: string, ...args: string[]) =>
  runToEnd(["curl", "-sS", "--cacert", ca, ...args, `https://localhost:${port}/healthz`]);

function descriptors(node: NodeProcess): number {
  return [...Deno.readDirSync(`/proc/${node.pid}/fd`)].length;
}

async function metric(node: NodeProcess, name: string): Promise<number> {
  const { body } = await get(`${node.url}/metrics`);
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body)?.[1]);
}

Deno.test("TLS: curl and openssl, negotiate HTTP/1.1 and HTTP/2", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const { node, port } = await startWithTls(certificate);
  await using _node = node;
  for (const [flag, version] of [["--http1.1", "1.1"], ["--http2", "2"]] as const) {
    const { code, stdout } = await curl(
      port,
      certificate.cert,
      flag,
      ...["-w", "\n%{http_version} %{http_code}"],
    );
    assert.equal(code, 0);
    assert.equal(stdout.split("\n").at(-1), `${version} 200`);
  }
  const openssl = ["openssl", "s_client", "-connect", `127.0.0.1:${port}`];
  const { stdout } = await runToEnd([...openssl, "-alpn", "h2", "-CAfile", certificate.cert], {
    stdin: "",
  });
  assert.match(stdout, /ALPN protocol: h2/);
  assert.match(stdout, /Verify return code: 0 \(ok\)/);
  const plain = await runToEnd(["curl", "-sS", `http://127.0.0.1:${port}/healthz`]);
  assert.notEqual(plain.code, 0);
  const { code } = await curl(port, certificate.cert, "--http1.1");
  assert.equal(code, 0);
  const days = await metric(node, "serverledge_tls_certificate_remaining_days");
  assert.ok(days > 29 && days <= 30, String(days));
});

Deno.test("TLS: a thousand clients that send nothing or half a hello, keep nobody out and are closed", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const { node, port } = await startWithTls(certificate);
  await using _node = node;
  const before = descriptors(node);
  const clients: Deno.TcpConn[] = [];
  const half = Uint8Array.fromHex("1603010200010001fc0303");
  for (let i = 0; i < 1000; i++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    clients.push(client);
    if (i % 2 === 0) await client.write(half);
  }
  assert.equal((await curl(port, certificate.cert)).code, 0);
  // Though the clients keep their end open.
  await eventually("the node has closed them", () => descriptors(node) < before + 20);
  assert.equal((await curl(port, certificate.cert)).code, 0);
  assert.equal(await metric(node, "serverledge_tls_handshake_failures_total"), 1000);
  for (const client of clients) client.close();
});

Deno.test("TLS: half-open clients take all places, are evicted for others", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const port = freePort();
  await using _node = await startNodeProcess({
    config: {
      "api.tls.cert": certificate.cert,
      "api.tls.key": certificate.key,
      "api.tls.port": port,
      "api.connections.max": 50,
    },
  });
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < 200; i++) {
    clients.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  }
  assert.equal((await curl(port, certificate.cert, "-m", "8")).code, 0);
  for (const client of clients) client.close();
});

Deno.test("TLS: the certificate is replaced under load, no request fails", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const [second, third] = [
    await makeCertificate(folder.path, "second"),
    await makeCertificate(folder.path, "third", 3),
  ];
  const { node, port } = await startWithTls(certificate);
  await using _node = node;
  const trusted = await Promise.all(
    [certificate, second, third].map(({ cert }) => Deno.readTextFile(cert)),
  );
  let isOver = false;
  let served = 0;
  const load = async (requests: number) => {
    while (!isOver) served += await askOver(port, trusted, requests);
  };
  const workers = [load(1), load(1), load(1), load(20)];
  for (const next of [second, third]) {
    await replaceCertificate(certificate, next);
    await eventually(
      "the new certificate is in use",
      async () => (await curl(port, next.cert)).code === 0,
    );
  }
  await eventually("the former listeners are closed", async () => {
    const sockets = await Deno.readTextFile("/proc/net/tcp");
    const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
    return sockets.split(local).length === 2;
  });
  isOver = true;
  await Promise.all(workers);
  assert.ok(served > 100, String(served));
  assert.notEqual((await curl(port, second.cert)).code, 0);
  const { body } = await get(`${node.url}/healthz`);
  assert.match(body.Problems.join(), /tls: .* expires at/);
});

Deno.test("TLS: a broken new file, is reported and the former certificate stays", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const first = await Deno.readTextFile(certificate.cert);
  const kept = `${folder.path}/kept.crt`;
  await Deno.writeTextFile(kept, first);
  const other = await makeCertificate(folder.path, "other");
  const { node, port } = await startWithTls(certificate);
  await using _node = node;
  const problems = async () => (await get(`${node.url}/healthz`)).body.Problems.join();
  await Deno.copyFile(other.cert, certificate.cert);
  await eventually(
    "the mismatch is reported",
    async () => /is not the key of the certificate/.test(await problems()),
  );
  await Deno.writeTextFile(certificate.cert, "-----BEGIN CERT");
  await eventually("the damage is reported", async () => /not a PEM file/.test(await problems()));
  assert.equal((await curl(port, kept)).code, 0);
  assert.match(node.log(), /ERROR tls: Cannot replace the certificate/);
  await Deno.writeTextFile(certificate.cert, first);
  await eventually("all is well", async () => await problems() === "");
});

Deno.test("TLS: unusable files or ports, keep the node from starting and are named", async () => {
  await using folder = await tempDir("tls");
  const one = await makeCertificate(folder.path, "one");
  const two = await makeCertificate(folder.path, "two");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const onPort = { "api.tls.cert": one.cert, "api.tls.key": one.key, "api.tls.port": port };
  for (
    const [config, reported] of [
      [{ "api.tls.cert": one.cert }, /api\.tls\.cert: also needs api\.tls\.key/],
      [{ "api.tls.port": 1 }, /api\.tls\.port: needs api\.tls\.cert/],
      [{ "api.tls.cert": one.cert, "api.tls.key": two.key }, /two\.key is not the key of/],
      [{ "api.tls.cert": one.key, "api.tls.key": one.key }, /not a PEM file with a certificate/],
      [{ "api.tls.cert": "/nowhere", "api.tls.key": one.key }, /cannot read \/nowhere/],
      [onPort, /the address is in use; .*set api\.tls\.port to another port/],
    ] as const
  ) {
    await assert.rejects(startNodeProcess({ config }), reported);
  }
});

/** Sends requests over a new connection; throws unless all are answered. */
async function askOver(port: number, caCerts: string[], requests: number): Promise<number> {
  const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  try {
    const buffer = new Uint8Array(4096);
    for (let i = 0; i < requests; i++) {
      await conn.write(
        new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      );
      const count = await conn.read(buffer);
      assert.match(new TextDecoder().decode(buffer.subarray(0, count ?? 0)), /^HTTP\/1\.1 200 /);
    }
  } finally {
    conn.close();
  }
  return requests;
}
