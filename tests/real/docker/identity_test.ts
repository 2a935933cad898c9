import assert from "node:assert/strict";
import type { ServerledgeError } from "../../../lib/base/errors.ts";
import { value } from "../../contract/environment.ts";
import {
  buildCustomImage,
  dockerCall,
  dockerFunction,
  type DockerWorld,
  dockerWorld,
} from "../../support/docker.ts";

/** Rounds of images that end next to others that start. */
const rounds = 2;
/** Far more than such a start takes, and less than a connection to nobody is waited for. */
const startTimeoutMs = 25_000;

/** Starts an image that ends at once. @returns how its start ended */
async function startDying(world: DockerWorld, CASE: string, network: "none" | "bridge") {
  const fn = dockerFunction("custom", "", { env: { CASE }, network });
  try {
    await using instance = await world.environment.start(fn, AbortSignal.timeout(startTimeoutMs));
    const answer = await instance.invoke(dockerCall({ params: { secret: fn.name } }));
    assert.fail(`another function answered: ${JSON.stringify(answer)}`);
  } catch (error) {
    return error as ServerledgeError;
  }
}

/** Starts an image that serves, and calls it for a while. */
async function callLiving(world: DockerWorld, network: "none" | "bridge") {
  const fn = dockerFunction("custom", "", { env: { CASE: "echo" }, network });
  await using instance = await world.environment.start(fn, AbortSignal.timeout(startTimeoutMs));
  for (let count = 0; count < 20; count++) {
    const params = { name: fn.name, count };
    assert.deepEqual(value(await instance.invoke(dockerCall({ params }))), params);
  }
}

Deno.test("a call of an image that ends at its start is never answered by another function", async () => {
  await buildCustomImage();
  await using world = await dockerWorld();
  for (let round = 0; round < rounds; round++) {
    for (const network of ["none", "bridge"] as const) {
      const [atOnce, again, later] = await Promise.all([
        startDying(world, "dying", network),
        startDying(world, "dying", network),
        startDying(world, "failing", network),
        callLiving(world, network),
        callLiving(world, network),
      ]);
      for (const error of [atOnce, again]) {
        assert.equal(error.code, "INSTANCE_START_FAILED");
        assert.match(error.message, /status 3/);
        assert.match(error.details!.output as string, /dying words/);
      }
      assert.match(later.message, /status 7/);
      assert.match(later.details!.output as string, /starting failing/);
    }
  }
  const words = world.written.map(({ text }) => text);
  assert.equal(words.filter((text) => text === "dying words\n").length, 4 * rounds);
  assert.equal(words.filter((text) => text === "starting failing\n").length, 2 * rounds);
  await world.environment.settled();
  assert.deepEqual(await world.containers({ functions: true }), []);
});
