import assert from "node:assert/strict";
import { takeCensus } from "../support/census.ts";
import { post } from "../support/client.ts";
import { buildCustomImage, customImage } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Calls of an image that ends at once, next to calls of one that serves. */
const rounds = 4;
/** Containers that the node has when only one instance is left. */
const resting = 4;

function custom(name: string, behaviour: string): object {
  return {
    Name: name,
    Runtime: "custom",
    CustomImage: customImage,
    MemoryMB: 64,
    Env: { CASE: behaviour },
  };
}

Deno.test("images that exit at once are reported, logged and removed, and no other image responds for them", async () => {
  await buildCustomImage();
  await using data = await tempDir("custom-data");
  const nodeId = `custom-${crypto.randomUUID().slice(0, 8)}`;
  await using node = await startNodeProcess({
    config: { "registry.node.id": nodeId, "data.dir": data.path },
  });
  const invoke = (name: string, Params: object) => post(`${node.url}/invoke/${name}`, { Params });
  for (const [name, behaviour] of [["dying", "dying"], ["echo", "echo"]] as const) {
    assert.equal((await post(`${node.url}/create`, custom(name, behaviour))).status, 200);
  }
  const census = () => takeCensus({ pid: node.pid, nodeId, folders: [`${data.path}/run/guests`] });
  const round = async (n: number) => {
    const [died, echoed] = await Promise.all([
      invoke("dying", { secret: n }),
      invoke("echo", { mine: n }),
    ]);
    assert.deepEqual([died.status, died.body.code], [502, "INSTANCE_START_FAILED"]);
    assert.match(
      died.body.message,
      /status 3, before it served port 8080; its output: dying words$/,
    );
    assert.deepEqual(JSON.parse(echoed.body.Result), { mine: n });
  };
  await round(0);
  const containers = async () => (await census()).containers;
  // The instance that serves with its relay; a relay and a namespace that are ready.
  await eventually("only what serves is left", async () => await containers() === resting);
  const { files, descriptors } = await census();
  for (let n = 1; n <= rounds; n++) await round(n);
  await eventually("what ended is gone", async () => {
    const now = await census();
    // The relay that is kept ready has a file of its own, or not yet.
    return now.containers === resting && Math.abs(now.files - files) <= 1 &&
      (now.descriptors.socket ?? 0) <= (descriptors.socket ?? 0) + rounds;
  });
  const { stdout } = await node.cli(["logs", "dying"]);
  assert.equal(stdout.split("dying words\n").length - 1 >= rounds, true, stdout);
});

Deno.test("an execution timeout of a custom image reports what the invocation has printed", async () => {
  await buildCustomImage();
  await using node = await startNodeProcess({});
  const definition = { ...custom("sleepy", "sleepy"), TimeoutMs: 1500 };
  assert.equal((await post(`${node.url}/create`, definition)).status, 200);
  const { status, body } = await post(`${node.url}/invoke/sleepy`, { Params: {} });
  assert.deepEqual([status, body.output], [504, "call 1\n"]);
});
