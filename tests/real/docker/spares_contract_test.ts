import type { FunctionRecord } from "../../../lib/model/function.ts";
import type { ExecutionEnvironment } from "../../../lib/runtime/environment.ts";
import { environmentContract } from "../../contract/environment.ts";
import { dockerCall, dockerFunction } from "../../support/docker.ts";
import { known, spareContainers, type SpareWorld, spareWorld } from "../../support/spares.ts";

/** Starts every function in a spare. */
function inSpares(world: SpareWorld): ExecutionEnvironment {
  const { environment } = world;
  return {
    prepare: (fn, options) => environment.prepare(fn, options),
    async start(fn, signal) {
      // Often there is one already, so that those who give up do so in all phases of the start.
      const claim = environment.claim(fn) ?? environment.claim(await known(world, fn));
      claim!.release();
      return await claim!.start(signal);
    },
    architectures: (fn) => environment.architectures(fn),
    sweep: () => environment.sweep(),
    available: () => environment.available(),
    [Symbol.asyncDispose]: () => environment[Symbol.asyncDispose](),
  };
}

/** Spares with a function's limits: it is theirs, or was. */
async function instances(world: SpareWorld, spareMib: number): Promise<string[]> {
  const names = await Promise.all((await spareContainers(world)).map(async (name) => {
    const info = await world.docker.getContainer(name).inspect().catch(() => undefined);
    return info && info.HostConfig.Memory !== spareMib << 20 ? [name] : [];
  }));
  return [...names.flat(), ...await world.containers({ functions: true })];
}

for (
  const [runtime, spareMib, errorType] of [
    ["python", 32, "ValueError"],
    ["nodejs", 64, "TypeError"],
  ] as const
) {
  environmentContract({
    runtime: `${runtime} in spares`,
    record: (behaviour: string, change?: Partial<FunctionRecord>) =>
      dockerFunction(runtime, `cases.${behaviour}`, change),
    call: dockerCall,
    errorType,
    concurrent: true,
    interrupts: true,
  }, async () => {
    const world = await spareWorld();
    return {
      environment: inSpares(world),
      instances: () => instances(world, spareMib),
      written: world.written,
      [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
    };
  });
}
