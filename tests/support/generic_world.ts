/**
 * Environments with generic instances on the real Docker engine for tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/base/clock.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import { GenericInstances, type PooledGeneric } from "../../lib/pool/generic_instances.ts";
import { ResourceLedger } from "../../lib/pool/resource_ledger.ts";
import { type DockerWorld, dockerWorld } from "./docker.ts";
import { eventually } from "./eventually.ts";

/** Opens an environment with generic instances, and a ledger of their memory. */
export async function genericWorld(options: Parameters<typeof dockerWorld>[0] = {}) {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await dockerWorld(options));
  const { environment } = world;
  const ledger = new ResourceLedger({ memoryMib: 1024, cpu: 4 });
  const generics = stack.use(new GenericInstances({ environment, ledger, clock: systemClock }));
  const kept = stack.move();
  return { ...world, ledger, generics, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Environment with generic instances. */
export type GenericWorld = Awaited<ReturnType<typeof genericWorld>>;

/** Announces a function, and waits until a generic instance for it is ready. */
export async function announced(world: GenericWorld, fn: FunctionRecord): Promise<FunctionRecord> {
  world.environment.follow(fn.name, fn);
  world.generics.changed(fn.name, fn);
  await ready(world, fn.runtime);
  return fn;
}

/** Waits until a number of generic instances of a runtime are ready. */
export function ready({ generics }: GenericWorld, runtime: string, count = 1): Promise<void> {
  return eventually(`${count} generic instances of ${runtime}`, async () => {
    await generics.filled();
    return (generics.counts[runtime] ?? 0) === count;
  });
}

/** Takes a generic instance for a function. */
export function taken({ generics }: GenericWorld, fn: FunctionRecord): PooledGeneric {
  const generic = generics.find(fn);
  assert.ok(generic, "a generic instance is ready");
  generic.take();
  return generic;
}

/** Names of the generic containers, specialized or not. */
export async function genericContainers({ docker, nodeId }: DockerWorld): Promise<string[]> {
  const label = [`serverledge.node=${nodeId}`, "serverledge.runtime"];
  const found = await docker.listContainers({ all: true, filters: { label } });
  return found.map(({ Names }) => Names[0]!.slice(1));
}
