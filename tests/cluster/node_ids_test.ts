import assert from "node:assert/strict";
import { get } from "../support/client.ts";
import { Continuum, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("a second node with a living id is refused; one that restarts in its folder is not", async () => {
  await using world = await Continuum.start();
  await using folder = await tempDir("node-ids");
  const config = { "data.dir": `${folder.path}/data` };
  const first = await world.join("same", "EDGE", config);
  const other = await world.join("other", "EDGE");
  await sees(other, [first]);
  await assert.rejects(
    world.join("same", "EDGE"),
    (error: Error) =>
      error.message.includes(`belongs to another node of the cluster, at ${first.url}`),
  );
  assert.equal((await get(`${first.url}/healthz`)).status, 200);
  // Its registration lives on for some seconds.
  await first.kill();
  const again = await world.join("same", "EDGE", config);
  await sees(other, [again]);
});

Deno.test("a node on loopback does not join a cluster whose etcd is elsewhere, and says why", async () => {
  await using world = await Continuum.start();
  const node = await world.join("local", "EDGE", {
    "etcd.address": `${world.etcd.endpoint},192.0.2.1:2379`,
  });
  const { body } = await get(`${node.url}/healthz`);
  assert.equal(body.Status, "degraded");
  assert.match(
    body.Problems.join(),
    /has not joined: .* 192\.0\.2\.1:2379; set api\.ip or api\.url/,
  );
  await eventually("its log says so", () => /does not join the cluster/.test(node.log()));
  assert.deepEqual((await get(`${node.url}/nodes`)).body.Nodes, []);
});
