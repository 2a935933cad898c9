import type { FunctionRecord } from "../../../lib/model/function.ts";
import type { ExecutionEnvironment } from "../../../lib/runtime/environment.ts";
import { environmentContract } from "../../contract/environment.ts";
import { dockerCall, dockerFunction } from "../../support/docker.ts";
import {
  announced,
  genericContainers,
  type GenericWorld,
  genericWorld,
  taken,
} from "../../support/generic_world.ts";

/** Starts every function in a generic container. */
function specialized(world: GenericWorld): ExecutionEnvironment {
  const { environment } = world;
  return {
    prepare: (fn, options) => environment.prepare(fn, options),
    async start(fn, signal) {
      // Often one is ready, so that starts are aborted in all their phases.
      if (!world.generics.find(fn)) await announced(world, fn);
      return await taken(world, fn).specialize(fn, signal);
    },
    architectures: (fn) => environment.architectures(fn),
    sweep: () => environment.sweep(),
    available: () => environment.available(),
    [Symbol.asyncDispose]: () => environment[Symbol.asyncDispose](),
  };
}

/** Generic containers with the limits of a function: they run it, or did. */
async function instances(world: GenericWorld, genericMib: number): Promise<string[]> {
  const names = await Promise.all((await genericContainers(world)).map(async (name) => {
    const info = await world.docker.getContainer(name).inspect().catch(() => undefined);
    return info && info.HostConfig.Memory !== genericMib << 20 ? [name] : [];
  }));
  return [...names.flat(), ...await world.containers({ functions: true })];
}

for (
  const [runtime, genericMib, errorType] of [
    ["python", 32, "ValueError"],
    ["nodejs", 64, "TypeError"],
  ] as const
) {
  environmentContract({
    runtime: `${runtime} in generic containers`,
    record: (behaviour: string, change?: Partial<FunctionRecord>) =>
      dockerFunction(runtime, `cases.${behaviour}`, change),
    call: dockerCall,
    errorType,
    concurrent: true,
    interrupts: true,
  }, async () => {
    const world = await genericWorld();
    return {
      environment: specialized(world),
      instances: () => instances(world, genericMib),
      written: world.written,
      [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
    };
  });
}
