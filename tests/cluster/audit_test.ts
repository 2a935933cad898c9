/**
 * Tokens and the audit record behind a load balancer, in real processes with a real etcd.
 *
 * @module
 */

import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

const issuer = "https://idp.example/";

async function linesOf(file: string): Promise<Record<string, unknown>[]> {
  const text = await Deno.readTextFile(file).catch(() => "");
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

Deno.test("a balancer accepts tokens, and each request is recorded where it is answered", async () => {
  await using etcd = await startEtcd();
  await using folder = await tempDir("audit");
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const keySet = `${folder.path}/keys.json`;
  await Deno.writeTextFile(keySet, JSON.stringify({ keys: [await exportJWK(publicKey)] }));
  const common = {
    "etcd.address": etcd.endpoint,
    "cluster.secret": "s",
    "registry.udp.port": 0,
    "api.tokens": {
      issuer,
      audience: "edge",
      jwks: keySet,
      rights: [{ claim: "groups", value: "ops", role: "deployer", functions: ["camera-*"] }],
    },
  };
  await using _node = await startNodeProcess({
    config: { ...common, "audit.file": `${folder.path}/node.log` },
  });
  await using balancer = await startNodeProcess({
    command: "lb",
    readyTimeoutMs: 30_000,
    config: { ...common, "registry.node.id": "lb-1", "data.dir": folder.path },
  });
  const sign = (aud: string) =>
    new SignJWT({ groups: ["ops"] }).setProtectedHeader({ alg: "ES256" }).setIssuer(issuer)
      .setAudience(aud).setSubject("alice").setExpirationTime("5m").sign(privateKey);
  const send = async (path: string, token: string, body?: object) => {
    const response = await fetch(balancer.url + path, {
      headers: { authorization: `Bearer ${token}` },
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    });
    await response.body?.cancel();
    return response.status;
  };
  const token = await sign("edge");
  await eventually("the balancer forwards", async () => await send("/function", token) === 200);
  assert.equal(await send("/delete", token, { Name: "camera-1" }), 404);
  assert.equal(await send("/delete", token, { Name: "other" }), 403);
  assert.equal(await send("/status", await sign("mail")), 401);
  assert.equal(await send("/status", token), 200);

  const nodeFile = `${folder.path}/node.log`;
  const balancerFile = `${folder.path}/lb-audit.log`;
  await eventually(
    "all is recorded",
    async () =>
      (await linesOf(nodeFile)).filter(({ route }) => route === "/delete").length === 2 &&
      (await linesOf(balancerFile)).length >= 2,
  );
  const facts = { name: "alice@idp.example", role: "deployer", address: "127.0.0.1", via: "lb-1" };
  const deletions = (await linesOf(nodeFile)).filter(({ route }) => route === "/delete");
  for (const [i, target] of ["camera-1", "other"].entries()) {
    const { name, role, address, via } = deletions[i]!;
    assert.deepEqual({ name, role, address, via }, facts);
    assert.equal(deletions[i]!.target, target);
  }
  const nodeRoutes = (await linesOf(nodeFile)).map(({ name }) => name);
  assert(
    nodeRoutes.every((name) => name === facts.name),
    "requests between nodes are not recorded",
  );
  const own = await linesOf(balancerFile);
  const [refused] = own.filter(({ code }) => code === "UNAUTHORIZED");
  assert.deepEqual([refused?.name, refused?.route], ["anonymous", "/status"]);
  const [read] = own.filter(({ status }) => status === 200);
  assert.deepEqual([read?.name, read?.route], [facts.name, "/status"]);
});
