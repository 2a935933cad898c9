/**
 * The compiled command line and nodes with TLS.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { makeCertificate, replaceCertificate } from "../support/network/certificates.ts";
import { defaultBinary, startWithTls } from "../support/node.ts";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("TLS: the command line and its load generator, accept a certificate that is named", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const { node, port } = await startWithTls(certificate);
  await using _node = node;
  const url = `https://127.0.0.1:${port}`;
  const status = await node.cli(["status", "-H", url, "--ca", certificate.cert]);
  assert.equal(status.code, 0, status.stderr);
  assert.ok("AvailableWarmContainers" in JSON.parse(status.stdout));
  const load = await node.cli([
    ...["bench", "--url", `${url}/healthz`, "--ca", certificate.cert, "--json", "-"],
    ...["-n", "2", "-d", "1", "--warm-up", "0"],
  ]);
  assert.equal(load.code, 0, load.stderr);
  assert.ok(JSON.parse(load.stdout).total.ok > 10, load.stdout);

  const distrusted = await node.cli(["status", "-H", url]);
  assert.notEqual(distrusted.code, 0);
  assert.match(distrusted.stderr, /UnknownIssuer.*--ca FILE/);
  const plain = await node.cli(["status", "-H", `http://127.0.0.1:${port}`]);
  assert.match(plain.stderr, /if it serves HTTPS, give its URL: --host https:/);
  const secure = await node.cli(["status", "-H", node.url.replace("http:", "https:")]);
  assert.match(secure.stderr, /if the node serves plain HTTP, use http:/);
});

Deno.test("tls self-signed: makes a certificate that clients trust by its fingerprint", async () => {
  await using folder = await tempDir("tls");
  const run = (...args: string[]) =>
    runToEnd([defaultBinary(), "tls", ...args], { cwd: folder.path });
  const made = await run(
    "self-signed",
    "--name",
    "edge-1.example",
    "--name",
    "192.0.2.7",
    "--name",
    "2001:db8::7",
  );
  assert.equal(made.code, 0, made.stderr);
  const { Fingerprint: fingerprint, Hosts: hosts } = JSON.parse(made.stdout);
  assert.deepEqual(hosts, [
    "edge-1.example",
    "192.0.2.7",
    "2001:db8::7",
    "localhost",
    "127.0.0.1",
    "::1",
  ]);
  const [cert, key] = [`${folder.path}/node.crt`, `${folder.path}/node.key`];
  assert.equal((await Deno.stat(key)).mode! & 0o777, 0o600);
  const shown = await runToEnd([
    "openssl",
    "x509",
    "-in",
    cert,
    "-noout",
    "-fingerprint",
    "-sha256",
  ]);
  const digest = shown.stdout.split("=")[1]!.trim();
  assert.equal(fingerprint, `SHA256:${digest.replaceAll(":", "").toLowerCase()}`);
  const withPort = await run("self-signed", "--name", "edge-1.example:1323");
  assert.equal(withPort.code, 1);
  assert.match(withPort.stderr, /without a port, but got "edge-1\.example:1323"/);
  const again = await run("self-signed");
  assert.equal(again.code, 1);
  assert.match(again.stderr, /node\.key: the file exists/);

  const { node, port } = await startWithTls({ cert, key });
  await using _node = node;
  const url = `https://127.0.0.1:${port}`;
  // Both notations: ours and that of openssl.
  for (const known of [fingerprint, digest]) {
    const pinned = await run("fetch", url, "--fingerprint", known);
    assert.equal(pinned.code, 0, pinned.stderr);
    assert.equal(pinned.stdout.trim(), (await Deno.readTextFile(cert)).trim());
  }
  const unknown = await run("fetch", url);
  assert.match(unknown.stderr, new RegExp(`^${fingerprint}\nCompare `));
  const ca = `${folder.path}/fetched.crt`;
  await Deno.writeTextFile(ca, unknown.stdout);
  assert.equal((await node.cli(["status", "-H", url, "--ca", ca])).code, 0);
  const other = await run("fetch", url, "--fingerprint", `SHA256:${"0".repeat(64)}`);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /has a certificate with the fingerprint SHA256:.*another server/);
  assert.equal(other.stdout, "");
  assert.match((await run("fetch", node.url.replace("http:", "https:"))).stderr, /No response/);
});

Deno.test("login: keeps the certificate with a given fingerprint, and no other", async () => {
  await using folder = await tempDir("tls");
  const certificate = await makeCertificate(folder.path, "node");
  const { node, port } = await startWithTls(certificate);
  await using _node = node;
  const env = { ...cleanEnv(), XDG_CONFIG_HOME: folder.path };
  const run = (...args: string[]) => runToEnd([defaultBinary(), ...args], { env, stdin: "" });
  const url = `https://127.0.0.1:${port}`;
  const wrong = await run("login", url, "--fingerprint", `SHA256:${"0".repeat(64)}`);
  assert.notEqual(wrong.code, 0);
  const actual = /fingerprint (SHA256:[0-9a-f]{64}), not/.exec(wrong.stderr)?.[1];
  assert.ok(actual, wrong.stderr);
  const right = await run("login", url, "--fingerprint", actual);
  assert.equal(right.code, 0, right.stderr);
  const status = await run("status");
  assert.equal(status.code, 0, status.stderr);
  assert.ok("AvailableWarmContainers" in JSON.parse(status.stdout));

  const other = await makeCertificate(folder.path, "other");
  await replaceCertificate(certificate, other);
  await eventually("the node has another certificate", async () => {
    const { code, stderr } = await run("status");
    return code !== 0 && /No TLS connection/.test(stderr);
  });
});
