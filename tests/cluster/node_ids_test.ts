import assert from "node:assert/strict";
// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { randomId } from "../../lib/base/ids.ts";
import { get } from "../support/client.ts";
import { Continuum, sees } from "../support/continuum.ts";
import { nodeContainers } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A node that keeps its id from others as if it were on another machine. */
const elsewhere = (folder: string) => ({ env: { TMPDIR: folder } });

Deno.test("a second node on one machine is refused the id and the directory of the first", async () => {
  await using folder = await tempDir("node-ids");
  const config = { "data.dir": `${folder.path}/data`, "registry.node.id": `twin-${randomId(6)}` };
  await using first = await startNodeProcess({ config });
  await assert.rejects(
    startNodeProcess({ config: { "data.dir": config["data.dir"] } }),
    /Another node uses the directory/,
  );
  await assert.rejects(
    startNodeProcess({ config: { "registry.node.id": config["registry.node.id"] } }),
    /belongs to another node that runs on this machine: set registry\.node\.id/,
  );
  assert.equal((await get(`${first.url}/healthz`)).status, 200);
});

Deno.test("a node that was killed starts again, and removes containers that the engine completes late", async () => {
  await using folder = await tempDir("node-ids");
  const id = `late-${randomId(6)}`;
  const config = { "data.dir": `${folder.path}/data`, "registry.node.id": id };
  {
    await using node = await startNodeProcess({ config });
    await node.kill();
  }
  const orphans = await nodeContainers(id);
  await using again = await startNodeProcess({ config });
  assert.equal((await get(`${again.url}/healthz`)).status, 200);
  // After it has looked for orphans, it makes a network namespace ready.
  await eventually("it has looked", async () => {
    return (await nodeContainers(id)).some((name) => !orphans.includes(name));
  });
  const late = await new Docker().createContainer({
    name: `orphan-${id}`,
    Image: "serverledge/pause:1",
    Entrypoint: ["/pause"],
    Labels: { "serverledge.node": id },
  });
  await eventually("it is gone", () => late.inspect().then(() => false, () => true));
});

Deno.test("a node that starts while etcd is away does not replace one with its id", async () => {
  await using world = await Continuum.start();
  await using folder = await tempDir("node-ids");
  const first = await world.join("same", "EDGE");
  const other = await world.join("other", "EDGE");
  await sees(other, [first]);
  await world.etcd.kill();
  const second = await world.join("same", "EDGE", {}, elsewhere(folder.path));
  await world.etcd.restart();
  await eventually("it says so", async () => {
    const { body } = await get(`${second.url}/healthz`);
    return /not registered: its id .* belongs to another node, at/.test(body.Problems.join());
  });
  await eventually(
    "its log says so",
    () => /not registered: its id .* set registry\.node\.id/.test(second.log()),
  );
  const { body } = await get(`${other.url}/nodes`);
  const named = body.Nodes.find(({ Id }: { Id: string }) => Id === first.id);
  assert.equal(named.Url, first.url);
});

Deno.test("a second node with the id of a live node is refused; one that restarts in its directory is not", async () => {
  await using world = await Continuum.start();
  await using folder = await tempDir("node-ids");
  const config = { "data.dir": `${folder.path}/data` };
  const first = await world.join("same", "EDGE", config);
  const other = await world.join("other", "EDGE");
  await sees(other, [first]);
  await assert.rejects(
    world.join("same", "EDGE", {}, elsewhere(folder.path)),
    (error: Error) =>
      error.message.includes(`belongs to another node of the cluster, at ${first.url}`),
  );
  assert.equal((await get(`${first.url}/healthz`)).status, 200);
  // Its registration lives on for some seconds.
  await first.kill();
  const again = await world.join("same", "EDGE", config);
  await sees(other, [again]);
});

Deno.test("a node on loopback does not join a cluster whose etcd is elsewhere, and reports why", async () => {
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
