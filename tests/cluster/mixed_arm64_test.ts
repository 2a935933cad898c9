import assert from "node:assert/strict";
import { sampleRecord } from "../contract/registry.ts";
import { get, post } from "../support/client.ts";
import { Continuum, invoke, knows, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

const binary = new URL("../../dist/serverledge-aarch64", import.meta.url).pathname;
/** Emulated where this machine is not an ARM64 one itself; glibc is Debian's cross package. */
const runner = Deno.build.arch === "aarch64"
  ? []
  : ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];

Deno.test("an ARM64 node and an x86-64 node are one cluster", async (t) => {
  await using world = await Continuum.start();
  const slow = { binary, runner, readyTimeoutMs: 90_000 };
  const [x86, arm] = await Promise.all([
    world.join("x86", "EDGE", { "scheduler.policy": "edgeonly", "node.architecture": "amd64" }),
    // Emulation is some twenty times slower, and so are its answers.
    world.join("arm", "EDGE", { "registry.nearby.interval": 1 }, slow),
  ]);

  await t.step("they see each other, each with its architecture", async () => {
    await sees(x86, [arm]);
    await sees(arm, [x86]);
    for (const { url } of [x86, arm]) {
      const { Nodes } = (await get(`${url}/nodes`)).body;
      const architectures = Nodes.map(({ Id, Architecture }: Record<string, string>) =>
        `${Id} ${Architecture}`
      );
      assert.deepEqual(architectures.sort(), [`${arm.id} arm64`, `${x86.id} amd64`]);
    }
  });

  await t.step("what runs on ARM64 only is started there, or not at all", async () => {
    // No such image is on this machine, and there is nowhere to get it from.
    await world.registry.putFunction(sampleRecord("for-arm", {
      Runtime: "custom",
      CustomImage: "127.0.0.1:1/serverledge-test/for-arm:1",
      MemoryMB: 16,
      CPUDemand: 0,
      SupportedArchs: ["arm64"],
    }));
    for (const node of [x86, arm]) await knows(node, "for-arm");
    await eventually("its news came", async () => {
      const { Nodes } = (await get(`${x86.url}/nodes`)).body;
      return Nodes.every(({ AgeMs }: { AgeMs: unknown }) => AgeMs !== null);
    });
    const asked = await post(`${arm.url}/invoke/for-arm`);
    assert.deepEqual([asked.status, asked.body.code], [502, "INSTANCE_START_FAILED"]);
    assert.match(asked.body.message, /for-arm:1/);
    const { status, body } = await invoke(x86, {}, {}, "for-arm");
    assert.deepEqual([status, body.code], [429, "NO_SUITABLE_NODE"]);
  });

  await t.step("the request of the x86-64 node got as far as the start on the other", async () => {
    await eventually("both wrote it down", () => world.audit().length === 3);
    const written = world.audit();
    const [refused] = written.filter(({ node }) => node === x86.id);
    const there = written.filter(({ node, id }) => node === arm.id && id === refused!.id);
    assert.deepEqual(there.map(({ outcome }) => outcome), ["INSTANCE_START_FAILED"]);
    assert.equal(refused!.outcome, "NO_SUITABLE_NODE");
  });
});
