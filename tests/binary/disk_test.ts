/**
 * Nodes on a disk that is full or read-only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { code, post } from "../support/client.ts";
import { startNodeProcess } from "../support/node.ts";
import { mountDisk } from "../support/small_disk.ts";

async function definition(name: string, bytes: number): Promise<object> {
  // Random, so that no two functions share their code.
  const padding = randomBytes(bytes / 2).toString("hex");
  const TarFunctionCode = await code({ "main.js": `export default (p) => p;\n//${padding}` });
  return { Name: name, Runtime: "deno", MemoryMB: 64, Handler: "main", TarFunctionCode };
}

Deno.test("a node on a full disk serves existing functions, and accepts new ones once there is space", async (t) => {
  await using disk = await mountDisk("size=8m");
  await using node = await startNodeProcess({ config: { "data.dir": `${disk.path}/data` } });
  const create = async (name: string, bytes: number) =>
    await post(`${node.url}/create`, await definition(name, bytes));
  assert.equal((await create("first", 100)).status, 200);

  await t.step("create fails with the reason, however often it is tried", async () => {
    await create("large0", 3 << 20);
    for (const name of ["large1", "large2", "large3"]) {
      const { status, body } = await create(name, 3 << 20);
      assert.deepEqual([status, body.code], [503, "REGISTRY_UNAVAILABLE"]);
      assert.match(body.message, /disk is full/);
    }
  });

  await t.step("functions run, cold and warm", async () => {
    for (let call = 0; call < 2; call++) {
      const { status, body } = await post(`${node.url}/invoke/first`, { Params: { n: 1 } });
      assert.deepEqual([status, body.Result], [200, '{"n":1}'], JSON.stringify(body));
    }
  });

  await t.step("with more space the node needs no restart", async () => {
    await disk.remount("size=64m");
    assert.equal((await create("second", 3 << 20)).status, 200);
    assert.equal((await post(`${node.url}/invoke/second`)).status, 200);
  });
});

Deno.test("a node with a read-only data directory exits with the reason and the remedy", async () => {
  await using disk = await mountDisk("size=8m,ro");
  await assert.rejects(
    startNodeProcess({ config: { "data.dir": `${disk.path}/data` } }),
    /status 1:\nserverledge: Cannot use the directory .*Read-only.*; set data\.dir to a directory/,
  );
});
