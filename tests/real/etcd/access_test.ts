import assert from "node:assert/strict";
import { connectEtcd } from "../../../lib/registry/etcd/registry.ts";
import { Recorder, sampleRecord } from "../../contract/registry.ts";
import { startEtcd } from "../../support/etcd.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp_dir.ts";

Deno.test("a registry authenticates if etcd requires it, and again after a restart", async () => {
  await using etcd = await startEtcd({ ctlFlags: ["--user", "root:secret"] });
  await etcd.ctl("user", "add", "root:secret");
  await etcd.ctl("user", "grant-role", "root", "root");
  await etcd.ctl("auth", "enable");
  const endpoints = [etcd.endpoint];
  await using stranger = connectEtcd({ endpoints });
  await assert.rejects(stranger.createFunction(sampleRecord("f")), {
    code: "REGISTRY_UNAVAILABLE",
  });
  await using wrong = connectEtcd({ endpoints, username: "root", password: "guess" });
  await assert.rejects(wrong.createFunction(sampleRecord("f")), { code: "REGISTRY_UNAVAILABLE" });
  await using registry = connectEtcd({ endpoints, username: "root", password: "secret" });
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  assert.equal(await registry.createFunction(sampleRecord("f")), true);
  await eventually("the watch tells it", () => seen.functions.has("f"));
  await etcd.restart();
  await eventually("the registry has healed", () => registry.health().ok);
  assert.equal(await registry.createFunction(sampleRecord("g")), true);
  await eventually("the watch goes on", () => seen.functions.has("g"));
});

Deno.test("a registry uses TLS with its client certificate", async () => {
  await using dir = await tempDir("tls");
  await makeCertificates(dir.path);
  const pem = (name: string) => `${dir.path}/${name}`;
  await using etcd = await startEtcd({
    scheme: "https",
    flags: [
      ["--cert-file", pem("etcd.pem"), "--key-file", pem("etcd.key")],
      ["--client-cert-auth", "--trusted-ca-file", pem("ca.pem")],
    ].flat(),
    ctlFlags: ["--cacert", pem("ca.pem"), "--cert", pem("node.pem"), "--key", pem("node.key")],
  });
  const endpoints = [etcd.endpoint];
  const ca = await Deno.readFile(pem("ca.pem"));
  await using registry = connectEtcd({
    endpoints,
    tls: {
      ca,
      cert: await Deno.readFile(pem("node.pem")),
      key: await Deno.readFile(pem("node.key")),
    },
  });
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  assert.equal(await registry.createFunction(sampleRecord("f")), true);
  await eventually("the watch tells it", () => seen.functions.has("f"));
  await using anonymous = connectEtcd({ endpoints, tls: { ca } });
  await assert.rejects(anonymous.getCode("00"), { code: "REGISTRY_UNAVAILABLE" });
  await using distrusting = connectEtcd({ endpoints, tls: {} });
  await assert.rejects(distrusting.getCode("00"), { code: "REGISTRY_UNAVAILABLE" });
});

/** Makes an authority, and certificates of an etcd and of a node. */
async function makeCertificates(dir: string): Promise<void> {
  const openssl = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: dir }).output();
    assert(success, new TextDecoder().decode(stderr));
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    ...["req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem"],
    ...["-subj", "/CN=Test authority", "-days", "2"],
  );
  for (const name of ["etcd", "node"]) {
    await Deno.writeTextFile(
      `${dir}/${name}.ext`,
      "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n",
    );
    await openssl(
      "req",
      ...key,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
    );
    await openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-out", `${name}.pem`, "-days", "2", "-extfile", `${name}.ext`],
    );
  }
}
