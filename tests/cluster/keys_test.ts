/**
 * Keys of a cluster, in real nodes with a real etcd.
 *
 * @module
 */

import assert from "node:assert/strict";
import { recordsPrefix } from "../../lib/registry/etcd/keys.ts";
import { code } from "../support/client.ts";
import { freePort } from "../support/network/free_port.ts";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

async function statusOf(url: string, key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/key`, { headers });
  await response.body?.cancel();
  return response.status;
}

async function post(url: string, body: object, key?: string) {
  const headers = key ? { authorization: `Bearer ${key}` } : undefined;
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    ...(headers && { headers }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

Deno.test("keys are known to all nodes, also while etcd is away and after a restart", async (t) => {
  await using etcd = await startEtcd();
  await using folder = await tempDir("keys");
  const port = freePort();
  const common = { "etcd.address": etcd.endpoint, "cluster.secret": "s", "registry.udp.port": 0 };
  const startSecond = () =>
    startNodeProcess({ config: { ...common, "api.port": port, "data.dir": folder.path } });
  await using first = await startNodeProcess({ config: common });
  const second = await startSecond();
  const { Key: admin } = await post(`${first.url}/keys`, { Name: "root", Role: "admin" });
  const { Key: viewer } = await post(`${first.url}/keys`, { Name: "v", Role: "viewer" }, admin);

  await t.step(
    "a key that one node has created is valid on the other within a second",
    async () => {
      const within = AbortSignal.timeout(1000);
      while (await statusOf(second.url, viewer) !== 200) within.throwIfAborted();
      assert.equal(await statusOf(second.url, "sl_x"), 401);
    },
  );

  await t.step(
    "a key that one node has revoked is invalid on the other within a second",
    async () => {
      const { Key } = await post(`${first.url}/keys`, { Name: "brief", Role: "viewer" }, admin);
      await eventually("the key is known", async () => await statusOf(second.url, Key) === 200);
      await post(`${first.url}/keys/brief/revoke`, {}, admin);
      const within = AbortSignal.timeout(1000);
      while (await statusOf(second.url, Key) !== 401) within.throwIfAborted();
    },
  );

  await t.step("a key whose record is damaged is invalid, and can be revoked", async () => {
    const { Key } = await post(`${first.url}/keys`, { Name: "torn", Role: "viewer" }, admin);
    await eventually("the key is known", async () => await statusOf(second.url, Key) === 200);
    await etcd.ctl("put", `${recordsPrefix("keys")}torn`, '{"Name":"torn"}');
    await eventually("it is invalid", async () => await statusOf(second.url, Key) === 401);
    const headers = { authorization: `Bearer ${admin}` };
    const listed = async () =>
      (await (await fetch(`${second.url}/keys`, { headers })).json()).Unreadable
        .map(({ Name }: { Name: string }) => Name);
    assert.deepEqual(await listed(), ["torn"]);
    await post(`${second.url}/keys/torn/revoke`, {}, admin);
    await eventually("it is gone", async () => (await listed()).length === 0);
  });

  await t.step("while etcd is away, keys stay valid, also in a node that starts", async () => {
    etcd.freeze();
    assert.equal(await statusOf(first.url, viewer), 200);
    assert.equal(await second.stop(), 0);
    await using restarted = await startSecond();
    assert.equal(await statusOf(restarted.url, viewer), 200);
    assert.equal(await statusOf(restarted.url, "sl_x"), 401);
    etcd.thaw();
  });
});

Deno.test("a balancer that requires keys protects a node that requires none from strangers", async () => {
  await using etcd = await startEtcd();
  const common = { "etcd.address": etcd.endpoint, "cluster.secret": "s", "registry.udp.port": 0 };
  await using node = await startNodeProcess({ config: { ...common, "api.auth": "none" } });
  const { Key } = await post(`${node.url}/keys`, { Name: "root", Role: "admin" });
  const source = "export default ({ headers }) => headers.authorization ?? 'none';";
  const TarFunctionCode = await code({ "main.js": source });
  const echo = { Name: "echo", Runtime: "deno", MemoryMB: 64, Handler: "main", TarFunctionCode };
  await post(`${node.url}/create`, echo);
  await using lb = await startNodeProcess({ command: "lb", config: common });
  const as = async (path: string, key?: string, method = "POST", body?: string) => {
    const headers = key === undefined ? undefined : { authorization: `Bearer ${key}` };
    const response = await fetch(lb.url + path, {
      method,
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
    });
    return { status: response.status, text: await response.text() };
  };
  await eventually(
    "the balancer has the node",
    async () => (await as("/function", Key, "GET")).status === 200,
  );
  const stranger: [string, string][] = [
    ["/create", "POST"],
    ["/delete", "POST"],
    ["/keys", "GET"],
    ["/function", "GET"],
    ["/logs/echo", "GET"],
  ];
  for (const [path, method] of stranger) {
    assert.equal((await as(path, undefined, method)).status, 401, path);
  }
  assert.equal((await as("/openapi.json", undefined, "GET")).status, 200);
  const { status, text } = await as("/fn/echo", Key);
  assert.deepEqual([status, text], [200, "none"], "the function does not see the key");
});
