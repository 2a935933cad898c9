import assert from "node:assert/strict";
import { get, nodejs, post, python } from "../support/client.ts";
import { nodeContainers } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

const source = "def f(params, context): return context['function_name']\n";
const script = "module.exports = (params, context) => context.functionName;\n";

const small = { MemoryMB: 64 };

/** Waits until a node has the expected generic instances ready. */
function hasGenerics(url: string, wanted: Record<string, number>): Promise<void> {
  return eventually(`generic instances are ${JSON.stringify(wanted)}`, async () => {
    const { GenericInstances } = (await get(`${url}/status`)).body;
    return JSON.stringify(GenericInstances) === JSON.stringify(wanted);
  });
}

Deno.test("generic instance: cold function, is specialized for it", async (t) => {
  await using node = await startNodeProcess({
    config: { "container.pool.memory": 512, "registry.node.id": "generic-test" },
  });
  const invoke = (name: string) => post(`${node.url}/invoke/${name}`);

  await t.step("a new node has none, and one for each runtime in use", async () => {
    await hasGenerics(node.url, {});
    await post(`${node.url}/create`, await python("one", source, small));
    await post(`${node.url}/create`, await nodejs("js", script, small));
    await hasGenerics(node.url, { python: 1, nodejs: 1 });
    const { body } = await get(`${node.url}/status`);
    assert.deepEqual([body.FreeMemory, body.AvailableMemory], [512 - 32 - 64, 512]);
  });

  await t.step(
    "a generic instance serves the first invocation, and is replaced for the next function",
    async () => {
      for (const name of ["one", "js", "two"]) {
        if (name === "two") await post(`${node.url}/create`, await python("two", source, small));
        await hasGenerics(node.url, { python: 1, nodejs: 1 });
        const { body } = await invoke(name);
        assert.deepEqual([body.StartTier, body.IsWarmStart, body.Result], [
          "generic",
          false,
          `"${name}"`,
        ]);
        assert.equal((await invoke(name)).body.StartTier, "warm");
      }
      const { body } = await get(`${node.url}/metrics`);
      assert.match(body, /serverledge_start_tier_total\{function="one",tier="generic"\} 1/);
      assert.match(body, /serverledge_start_tier_total\{function="one",tier="warm"\} 1/);
      assert.match(body, /serverledge_start_seconds_count\{tier="generic"\} 3/);
      await hasGenerics(node.url, { python: 1, nodejs: 1 });
      const { body: metrics } = await get(`${node.url}/metrics`);
      assert.match(metrics, /^serverledge_generic_instances\{runtime="python"\} 1$/m);
      assert.match(metrics, /^serverledge_spares\{runtime="python"\} 1$/m, "its former name");
      const { Spares } = (await get(`${node.url}/status`)).body;
      assert.deepEqual(Spares, { python: 1, nodejs: 1 }, "the former name of the field");
    },
  );

  await t.step("memory for functions is taken from generic instances first", async () => {
    const outbound = await python("out", source, { ...small, Network: "bridge" });
    await post(`${node.url}/create`, outbound);
    const rest = 512 / 64 - 3;
    const { body } = await post(`${node.url}/prewarm`, { Function: "out", Instances: rest });
    assert.equal(body.Prewarmed, rest);
    const { Instances, FreeMemory, GenericInstances } = (await get(`${node.url}/status`)).body;
    assert.equal(Instances.length, 4, "no instance had to go");
    assert.deepEqual([FreeMemory, GenericInstances], [0, { python: 0, nodejs: 0 }]);
  });

  await t.step("without functions there are none, and nothing remains at the end", async () => {
    for (const name of ["one", "two", "js", "out"]) {
      await post(`${node.url}/delete`, { Name: name });
    }
    await hasGenerics(node.url, {});
    assert.equal(await node.stop(), 0, node.log());
    assert.deepEqual(await nodeContainers("generic-test"), []);
  });
});

Deno.test("generic instance: node crashed, is swept with its folder", async () => {
  await using folder = await tempDir("generic");
  const config = { "data.dir": folder.path, "registry.node.id": "generic-crash-test" };
  const folders = async () => {
    const parent = `${folder.path}/run/generic`;
    // Each process of the node has a folder of its own there.
    const processes = await Array.fromAsync(Deno.readDir(parent));
    const all = await Promise.all(
      processes.map(({ name }) => Array.fromAsync(Deno.readDir(`${parent}/${name}`))),
    );
    return all.flat().map(({ name }) => name);
  };
  {
    await using node = await startNodeProcess({ config });
    await post(`${node.url}/create`, await python("f", source));
    await hasGenerics(node.url, { python: 1 });
    assert.equal((await post(`${node.url}/invoke/f`)).body.StartTier, "generic");
    await hasGenerics(node.url, { python: 1 });
    await node.kill();
  }
  const [orphans, old] = [await nodeContainers("generic-crash-test"), await folders()];
  assert.deepEqual([orphans.length >= 2, old.length], [true, 2]);
  await using node = await startNodeProcess({ config });
  await hasGenerics(node.url, { python: 1 });
  await eventually("orphans are gone", async () => {
    const left = await nodeContainers("generic-crash-test");
    return !orphans.some((orphan) => left.includes(orphan));
  });
  assert.deepEqual((await folders()).filter((name) => old.includes(name)), []);
});
