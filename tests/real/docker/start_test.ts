import assert from "node:assert/strict";
import { crashed, value } from "../../contract/environment.ts";
import { EngineGate } from "../../support/network/engine_gate.ts";
import { dockerCall, dockerFunction, type DockerWorld, dockerWorld } from "../../support/docker.ts";

const never = new AbortController().signal;

function start(world: DockerWorld, handler = "cases.echo", change = {}) {
  return world.environment.start(dockerFunction("python", handler, change), never);
}

/** The network mode of a container: `none`, or the pause container that it joined. */
async function networkOf(world: DockerWorld, name: string): Promise<string> {
  return (await world.docker.getContainer(name).inspect()).HostConfig.NetworkMode!;
}

async function pauseContainers(world: DockerWorld): Promise<string[]> {
  const functions = new Set(await world.containers({ functions: true }));
  return (await world.containers()).filter((name) => !functions.has(name)).sort();
}

Deno.test("start: no namespace is ready, succeeds and prepares one", async () => {
  await using world = await dockerWorld();
  {
    await using instance = await start(world);
    assert.equal(await networkOf(world, instance.id), "none");
    assert.equal(instance.tier, "full");
  }
  await world.environment.settled();
  await using instance = await start(world);
  assert.equal(instance.tier, "shared");
  assert.match(await networkOf(world, instance.id), /^container:/);
});

Deno.test("start: several instances, share a namespace that is reused after the last one", async () => {
  await using world = await dockerWorld();
  await world.environment.sweep();
  await world.environment.settled();
  const [ready] = await pauseContainers(world);
  const fn = dockerFunction("python", "cases.echo");
  const first = await world.environment.start(fn, never);
  const second = await world.environment.start(fn, never);
  assert.equal(await networkOf(world, first.id), await networkOf(world, second.id));
  await world.environment.settled();
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await using other = await start(world);
  await using another = await start(world);
  assert.equal(value(await other.invoke(dockerCall())), null);
  assert.notEqual(await networkOf(world, other.id), await networkOf(world, another.id));
  assert.ok(ready !== undefined);
});

Deno.test("start: pause container is dead, succeeds without it", async () => {
  await using world = await dockerWorld();
  await world.environment.sweep();
  await world.environment.settled();
  for (const name of await pauseContainers(world)) await world.docker.getContainer(name).kill();
  await using instance = await start(world);
  assert.equal(await networkOf(world, instance.id), "none");
  assert.equal(value(await instance.invoke(dockerCall())), null);
});

Deno.test("disposing the environment leaves nothing, running instances included", async () => {
  const world = await dockerWorld();
  const instance = await start(world, "cases.sleepy");
  const bridged = await start(world, "cases.echo", { network: "bridge" });
  const running = crashed(instance.invoke(dockerCall()));
  await world[Symbol.asyncDispose]();
  await running;
  assert.deepEqual(await world.containers(), []);
  const networks = await world.docker.listNetworks({ filters: { name: [world.nodeId] } });
  assert.deepEqual(networks, []);
  await bridged[Symbol.asyncDispose]();
  await assert.rejects(start(world), { code: "SHUTTING_DOWN" });
});

Deno.test("containers of a crashed node are removed, instances of this process are not", async () => {
  await using world = await dockerWorld();
  // The first start on a machine makes the image.
  await start(world).then((instance) => instance[Symbol.asyncDispose]());
  await world.environment.settled();
  const orphan = await world.docker.createContainer({
    name: `orphan-${world.nodeId}`,
    Image: "serverledge/pause:1",
    Entrypoint: ["/pause"],
    Labels: { "serverledge.node": world.nodeId, "serverledge.function": "old" },
    HostConfig: { NetworkMode: "none" },
  });
  await orphan.start();
  await using instance = await start(world);
  assert.equal(await world.environment.sweep(), 1);
  assert.deepEqual(await world.containers({ functions: true }), [instance.id]);
  assert.equal(await world.environment.sweep(), 0);
});

Deno.test("a missing image is reported with the remedy", async () => {
  await using world = await dockerWorld({
    values: { "runtimes.python.image": "localhost:9/no-such-image:1" },
  });
  await assert.rejects(start(world), (error: Error & Record<string, unknown>) => {
    assert.equal(error.code, "ENGINE_REFUSED");
    assert.match(error.message, /localhost:9\/no-such-image:1/);
    assert.match(error.message, /docker pull or docker load/);
    assert.match(error.message, /runtimes\.python\.image/);
    assert.ok(!error.message.includes("\n"));
    return true;
  });
  assert.deepEqual(await world.containers({ functions: true }), []);
});

Deno.test("an image without the interpreter is reported, and leaves nothing", async () => {
  await using world = await dockerWorld();
  await start(world).then((instance) => instance[Symbol.asyncDispose]());
  await world.environment.settled();
  await using other = await dockerWorld({
    values: { "runtimes.python.image": "serverledge/pause:1" },
  });
  await assert.rejects(start(other), { code: "INSTANCE_START_FAILED" });
  assert.deepEqual(await other.containers({ functions: true }), []);
});

Deno.test("an instance that is killed from outside has terminated unexpectedly", async () => {
  await using world = await dockerWorld();
  await using instance = await start(world, "cases.sleepy");
  const running = crashed(instance.invoke(dockerCall()));
  await world.docker.getContainer(instance.id).kill();
  assert.equal((await running).details!.exitCode, 137);
  assert.equal((await running).details!.oomKilled, null);
  const lost = await (await instance.terminated).reason;
  assert.equal(lost.code, "FUNCTION_CRASHED");
  await assert.rejects(instance.invoke(dockerCall()), { code: "FUNCTION_CRASHED" });
});

for (const runtime of ["python", "nodejs"] as const) {
  Deno.test(`a memory kill is reported where the engine has lost its event: ${runtime}`, async () => {
    await using gate = await EngineGate.create((text) =>
      text.replaceAll('"OOMKilled":true', '"OOMKilled":null')
    );
    gate.open();
    using _host = gate.asDockerHost();
    await using world = await dockerWorld();
    const fn = dockerFunction(runtime, "cases.greedy", { memoryMib: 96 });
    await using instance = await world.environment.start(fn, never);
    const error = await crashed(instance.invoke(dockerCall()));
    const { State } = await world.docker.getContainer(instance.id).inspect();
    assert.equal(State.OOMKilled, true, "the engine itself knows");
    assert.equal(error.details!.oomKilled, true, JSON.stringify(error.details));
    assert.match(error.message, /killed because it used more than its 96 MiB/);
  });
}

Deno.test("an instance that is removed from outside has terminated unexpectedly", async () => {
  await using world = await dockerWorld();
  await using instance = await start(world, "cases.sleepy");
  const running = crashed(instance.invoke(dockerCall()));
  await world.docker.getContainer(instance.id).remove({ force: true });
  await running;
  assert.equal((await (await instance.terminated).reason).code, "FUNCTION_CRASHED");
});

Deno.test("a runtime that the node does not have is reported", async () => {
  await using world = await dockerWorld();
  const fn = dockerFunction("cobol", "a.b");
  await assert.rejects(world.environment.start(fn, never), { code: "RUNTIME_UNKNOWN" });
});
