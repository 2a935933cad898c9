/**
 * Backups of a node as users of the binary make and restore them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkBackup } from "../../lib/registry/local/backup.ts";
import { code } from "../support/client.ts";
import { defaultBinary, type NodeProcess, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const sources = { "main.js": "export default () => 'hello';" };

async function create(
  node: NodeProcess,
  name: string,
  files: Readonly<Record<string, string>> = sources,
): Promise<void> {
  const TarFunctionCode = await code(files);
  const definition = {
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main",
    TarFunctionCode,
  };
  const body = JSON.stringify(definition);
  const response = await fetch(`${node.url}/create`, { method: "POST", body });
  assert.equal(response.status, 200, await response.text());
}

async function functionsOf(node: NodeProcess): Promise<string[]> {
  return await (await fetch(`${node.url}/function`)).json();
}

Deno.test("a backup of a running node is restored to another data folder", async (t) => {
  await using dir = await tempDir("backup");
  const target = `${dir.path}/registry.backup`;
  const offline = `${dir.path}/offline.backup`;
  const data = `${dir.path}/data`;
  const own = ["--set", `data.dir=${data}`];
  const run = (...args: string[]) => runToEnd([defaultBinary(), ...args], { env: {} });
  {
    await using node = await startNodeProcess({ config: { "data.dir": data } });
    await create(node, "f");
    await t.step("backup asks the node, and replaces an older file", async () => {
      await Deno.writeTextFile(target, "older");
      const { code, stdout, stderr } = await node.cli(["backup", target]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout).Functions, 1);
      assert.equal(checkBackup(target).functions, 1);
    });
    await t.step("backup --offline reads the data folder of a running node too", async () => {
      const { code, stderr } = await run("backup", "--offline", offline, ...own);
      assert.equal(code, 0, stderr);
      assert.equal(checkBackup(offline).functions, 1);
    });
    await t.step("restore refuses the data folder of a running node", async () => {
      const { code, stderr } = await run("restore", target, ...own);
      assert.equal(code, 1);
      assert.match(stderr, /Another node uses the directory.*stop it/);
    });
    await t.step("a client that leaves does not block the next backup", async () => {
      for (let at = 0; at < 3; at++) {
        const left = new AbortController();
        const response = await fetch(`${node.url}/backup`, { signal: left.signal });
        assert.equal(response.status, 200);
        left.abort();
        await response.body?.cancel().catch(() => {});
        const { code, stderr } = await node.cli(["backup", target]);
        assert.equal(code, 0, stderr);
      }
      const head = await fetch(`${node.url}/backup`, { method: "HEAD" });
      assert.equal(head.status, 200);
      assert.equal((await node.cli(["backup", target])).code, 0);
    });
    const deleted = await fetch(`${node.url}/delete`, { method: "POST", body: '{"Name":"f"}' });
    await deleted.body?.cancel();
    assert.deepEqual(await functionsOf(node), []);
  }
  const names = () => [...Deno.readDirSync(data)].map(({ name }) => name).sort();
  assert.ok(!names().some((name) => name.includes("registry.db.backup")), names().join());
  await t.step(
    "backup --offline of a stopped node names its source and leaves no file there",
    async () => {
      const before = names();
      const { code, stdout, stderr } = await run("backup", "--offline", offline, ...own);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).Source, `${data}/registry.db`);
      assert.deepEqual(names(), before);
    },
  );
  await t.step("a backup into a directory that is missing says so", async () => {
    const { code, stderr } = await run("backup", "--offline", `${dir.path}/none/b`, ...own);
    assert.equal(code, 1);
    assert.match(stderr, /Cannot write .*\/none\/b: there is no directory .*\/none\n/);
  });
  await t.step("a backup of a directory without a registry creates none", async () => {
    const empty = `${dir.path}/empty`;
    const { code, stderr } = await run(
      "backup",
      "--offline",
      offline,
      "--set",
      `data.dir=${empty}`,
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /empty\/registry\.db .*no such file or directory/);
  });
  await t.step("restore of a missing file says so, and leaves no new data folder", async () => {
    const fresh = `${dir.path}/above/data`;
    const { code, stderr } = await run("restore", "missing", "--set", `data.dir=${fresh}`);
    assert.equal(code, 1);
    assert.match(stderr, /Cannot use the backup missing: no such file or directory/);
    assert.ok(![...Deno.readDirSync(dir.path)].some(({ name }) => name === "above"));
  });
  await t.step({
    name: "restore as root refuses an unused folder of another user",
    ignore: Deno.uid() !== 0,
    fn: async () => {
      const folder = `${dir.path}/other`;
      await Deno.mkdir(folder);
      await Deno.chown(folder, 65534, 65534);
      const { code, stderr } = await run("restore", target, "--set", `data.dir=${folder}`);
      assert.notEqual(code, 0);
      assert.match(stderr, /belongs to user 65534; restore as this user/);
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    },
  });
  await t.step("restore brings the function and its code back", async () => {
    const { code, stdout, stderr } = await run("restore", target, ...own);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).Former, `${data}/registry.db.before-restore`);
    // Nothing is left in the cache of code.
    await Deno.remove(`${data}/code`, { recursive: true });
    await using node = await startNodeProcess({ config: { "data.dir": data } });
    assert.deepEqual(await functionsOf(node), ["f"]);
    const response = await fetch(`${node.url}/invoke/f`, { method: "POST", body: "{}" });
    assert.equal((await response.json()).Success, true);
  });
});

Deno.test("a backup of a large registry does not keep other requests waiting", async () => {
  await using node = await startNodeProcess();
  for (let at = 0; at < 8; at++) {
    const filler = crypto.getRandomValues(new Uint8Array(24 << 10)).toHex();
    await create(node, `f${at}`, { ...sources, "filler.txt": filler.repeat(200) });
  }
  const started = performance.now();
  let copyMs = 0;
  const copying = fetch(`${node.url}/backup`).then((response) => {
    copyMs = performance.now() - started;
    return response.arrayBuffer();
  });
  let slowestMs = 0;
  while (copyMs === 0) {
    const since = performance.now();
    const response = await fetch(`${node.url}/healthz`);
    await response.body?.cancel();
    slowestMs = Math.max(slowestMs, performance.now() - since);
  }
  assert.ok((await copying).byteLength > 70 << 20);
  // A copy in the node's own thread would keep one of them waiting until its end.
  assert.ok(slowestMs < copyMs / 2, `a request took ${slowestMs} ms of ${copyMs} ms`);
});
