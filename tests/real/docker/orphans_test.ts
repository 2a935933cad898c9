import { value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import { announced, genericWorld, taken } from "../../support/generic_world.ts";

const never = new AbortController().signal;
/**
 * Bound of processes, and calls that leave an orphan each. Python has the default of
 * `container.pids`; calls of Node.js take three times as long, so that it has less of both.
 */
const sizes = [
  { runtime: "python", pids: 256, calls: 290 },
  { runtime: "nodejs", pids: 40, calls: 60 },
];

for (const { runtime, pids, calls } of sizes) {
  Deno.test(`orphaned processes of a ${runtime} function are reaped`, async (t) => {
    await using world = await genericWorld({ values: { "container.pids": pids } });
    for (const tier of ["new", "generic"]) {
      await t.step(`in a ${tier} container`, async () => {
        const fn = dockerFunction(runtime, "cases.orphan");
        await using instance = tier === "new"
          ? await world.environment.start(fn, never)
          : await taken(world, await announced(world, fn)).specialize(fn, never);
        for (let call = 0; call < calls; call++) value(await instance.invoke(dockerCall()));
        const { State } = await world.docker.getContainer(instance.id).inspect();
        await eventually("no zombie is left", async () => await zombies(State.Pid) === 0);
      });
    }
  });
}

/** Processes below another, in whatever container, that ended and were not waited for. */
async function zombies(parent: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "state=", "--ppid", String(parent)],
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((state) => state === "Z").length;
}
