/**
 * Secrets of a cluster, in real nodes with a real etcd.
 *
 * @module
 */

import assert from "node:assert/strict";
import { recordsPrefix } from "../../lib/registry/etcd/keys.ts";
import { code, post } from "../support/client.ts";
import { startEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/network/free_port.ts";
import { defaultBinary, type NodeProcess, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const value = `s3cret-${crypto.randomUUID()}`;

async function create(node: NodeProcess, name: string, Secrets: string[]): Promise<void> {
  const source = "export default () => Deno.env.get('TOKEN') ?? null;";
  const { status, body } = await post(`${node.url}/create`, {
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main",
    TarFunctionCode: await code({ "main.js": source }),
    Secrets,
  });
  assert.equal(status, 200, JSON.stringify(body));
}

async function token(node: NodeProcess, name = "f") {
  const { status, body } = await post(`${node.url}/invoke/${name}`, {});
  return status === 200 ? JSON.parse(body.Result) : body;
}

Deno.test("secrets are known to all nodes that have the key, and etcd has only ciphertext", async (t) => {
  await using etcd = await startEtcd();
  await using folder = await tempDir("secrets");
  const key = `${folder.path}/secrets.key`;
  await runToEnd([defaultBinary(), "secrets", "key", "create", key]);
  const common = { "etcd.address": etcd.endpoint, "cluster.secret": "s", "registry.udp.port": 0 };
  const config = { ...common, "secrets.key": key };
  const data = `${folder.path}/data`;
  const second = { ...config, "api.port": freePort(), "data.dir": data };
  await using first = await startNodeProcess({ config });
  const other = await startNodeProcess({ config: second });
  const set = async (node: NodeProcess, text: string, ...more: string[]) => {
    const { code, stderr } = await node.cli(["secrets", "set", "TOKEN", ...more], text);
    assert.equal(code, 0, stderr);
  };

  await t.step("a secret that one node has set reaches instances of another", async () => {
    await set(first, value);
    await create(first, "f", ["TOKEN"]);
    await eventually("the other node has it", async () => await token(other) === value);
    assert.equal(await token(first), value);
  });

  await t.step("--restart at one node replaces the instances of all", async () => {
    await set(first, `${value}-2`, "--restart");
    assert.equal(await token(first), `${value}-2`);
    await eventually("the other node has it", async () => await token(other) === `${value}-2`);
  });

  await t.step("neither etcd nor what a node remembers has it in clear", async () => {
    const stored = await etcd.ctl("get", "--prefix", "");
    assert.match(stored, /"Name":"TOKEN"/);
    const remembered = await runToEnd(["grep", "-rlaF", "TOKEN", data]);
    assert.match(remembered.stdout, /functions\.db/);
    for (const secret of [value, btoa(value)]) {
      assert(!stored.includes(secret));
      assert.equal((await runToEnd(["grep", "-rlaF", secret, data])).code, 1);
    }
  });

  await t.step(
    "a node without the key says how all get it, and with another which it lacks",
    async () => {
      await using without = await startNodeProcess({ config: common });
      const refused = await without.cli(["secrets", "set", "MORE"], "x");
      assert.match(refused.stderr, /all nodes of a cluster need the same.*secrets key create/);
      assert.match((await token(without)).message, /secret "TOKEN": it is encrypted with the key/);
      const wrong = `${folder.path}/wrong.key`;
      await runToEnd([defaultBinary(), "secrets", "key", "create", wrong]);
      await using other = await startNodeProcess({ config: { ...common, "secrets.key": wrong } });
      const { code, message } = await token(other);
      assert.equal(code, "INSTANCE_START_FAILED");
      assert.match(message, /encrypted with the key [0-9a-f]{12}, but this node has [0-9a-f]{12}/);
    },
  );

  await t.step(
    "while etcd is away, a node that starts still has it, and rotation is no success",
    async () => {
      etcd.freeze();
      assert.equal(await other.stop(), 0);
      await using restarted = await startNodeProcess({ config: second });
      assert.equal(await token(restarted), `${value}-2`);
      const rotation = await restarted.cli(["secrets", "rotate"]);
      assert.equal(rotation.code, 2);
      assert.match(rotation.stderr, /Cannot rotate secrets without the registry/);
      etcd.thaw();
    },
  );

  await t.step("a damaged or copied record starts no instance, and set mends it", async () => {
    const path = `${recordsPrefix("secrets")}`;
    const record = await etcd.ctl("get", `${path}TOKEN`, "--print-value-only");
    await set(first, "mine");
    await first.cli(["secrets", "set", "MINE"], "mine");
    await etcd.ctl("put", `${path}MINE`, record.trim().replace('"TOKEN"', '"MINE"'));
    await create(first, "copied", ["MINE=TOKEN"]);
    await eventually("the copy is refused", async () => {
      const { message = "" } = await token(first, "copied") ?? {};
      return /its record in the registry was damaged or changed/.test(message);
    });
    await etcd.ctl("put", `${path}MINE`, '{"Name":"MINE"}');
    await eventually("the damage is reported", async () => {
      const { message = "" } = await token(first, "copied") ?? {};
      return /its record in the registry is unreadable/.test(message);
    });
    await first.cli(["secrets", "set", "MINE"], "mended");
    await eventually("it is mended", async () => await token(first, "copied") === "mended");
  });
});
