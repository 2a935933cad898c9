/**
 * Environments with spares on the real Docker engine for tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { FunctionRecord } from "../../lib/model/function.ts";
import { ResourceLedger } from "../../lib/pool/resource_ledger.ts";
import { GenericBudget } from "../../lib/pool/generic_budget.ts";
import type { Claim } from "../../lib/runtime/environment.ts";
import { type DockerWorld, dockerWorld } from "./docker.ts";
import { eventually } from "./eventually.ts";

/** A world with spares, and the books of their memory. */
export async function spareWorld(options: Parameters<typeof dockerWorld>[0] = {}) {
  const ledger = new ResourceLedger({ memoryMib: 1024, cpu: 4 });
  const spares = new GenericBudget(ledger);
  return Object.assign(await dockerWorld({ ...options, spares }), { ledger, spares });
}

/** See {@link spareWorld}. */
export type SpareWorld = Awaited<ReturnType<typeof spareWorld>>;

/** Lets the environment know a function, and waits until what it wants ready is ready. */
export async function known(world: SpareWorld, fn: FunctionRecord): Promise<FunctionRecord> {
  world.environment.follow(fn.name, fn);
  await ready(world, fn.runtime);
  return fn;
}

/** Waits until as many spares of a runtime are ready. */
export function ready({ environment }: SpareWorld, runtime: string, count = 1): Promise<void> {
  return eventually(`${count} ${runtime} spares`, async () => {
    await environment.settled();
    return (environment.spareCounts()[runtime] ?? 0) === count;
  });
}

/** Takes a spare for a function. */
export function claimed(world: SpareWorld, fn: FunctionRecord): Claim {
  const claim = world.environment.claim(fn);
  assert.ok(claim, "a spare is ready");
  claim.release(); // as the pool does, which books the instance's memory instead
  return claim;
}

/** The containers of spares, taken or not. */
export async function spareContainers({ docker, nodeId }: DockerWorld): Promise<string[]> {
  const label = [`serverledge.node=${nodeId}`, "serverledge.runtime"];
  const found = await docker.listContainers({ all: true, filters: { label } });
  return found.map(({ Names }) => Names[0]!.slice(1));
}
