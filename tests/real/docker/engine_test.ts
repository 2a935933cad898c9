import assert from "node:assert/strict";
import { crashed, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";
import { EngineGate } from "../../support/network/engine_gate.ts";
import { eventually } from "../../support/eventually.ts";

const never = new AbortController().signal;

Deno.test("an engine that is unavailable, starts late, and stops again", async (t) => {
  await using gate = await EngineGate.create();
  using _host = gate.asDockerHost();
  await using world = await dockerWorld();
  const fn = dockerFunction("python", "cases.echo");

  await t.step("without the engine, starts fail with its absence as the reason", async () => {
    assert.match(String(await world.environment.available()), /start it .* or set DOCKER_HOST/);
    await assert.rejects(world.environment.start(fn, never), { code: "ENGINE_UNAVAILABLE" });
    await assert.rejects(world.environment.prepare(fn), { code: "ENGINE_UNAVAILABLE" });
    await assert.rejects(world.environment.sweep(), { code: "ENGINE_UNAVAILABLE" });
    assert.deepEqual(await world.environment.architectures(fn), []);
  });

  gate.open();

  await t.step("once the engine runs, starts succeed", async () => {
    assert.equal(await world.environment.available(), true);
    await using instance = await world.environment.start(fn, never);
    assert.equal(value(await instance.invoke(dockerCall())), null);
  });

  await t.step("an instance survives an outage, and its end is noticed afterwards", async () => {
    await using instance = await world.environment.start(fn, never);
    await world.environment.settled();
    gate.close();
    assert.equal(value(await instance.invoke(dockerCall())), null);
    assert.notEqual(await world.environment.available(), true);
    gate.open();
    await eventually("it answers", async () => await world.environment.available() === true);
    assert.equal(value(await instance.invoke(dockerCall())), null);
    await world.docker.getContainer(instance.id).kill();
    assert.equal((await (await instance.terminated).reason).code, "FUNCTION_CRASHED");
    await crashed(instance.invoke(dockerCall()));
  });
});
