import assert from "node:assert/strict";
import type { FunctionRecord } from "../../../lib/model/function.ts";
import type { Instance } from "../../../lib/runtime/environment.ts";
import { failure, giveUpStart, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, pythonImage } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import {
  claimed,
  known,
  ready,
  spareContainers,
  type SpareWorld,
  spareWorld,
} from "../../support/spares.ts";
import { tempDir } from "../../support/temp_dir.ts";

const never = new AbortController().signal;

const start = (world: SpareWorld, fn: FunctionRecord): Promise<Instance> =>
  claimed(world, fn).start(never);

for (const runtime of ["python", "nodejs"]) {
  Deno.test(`a spare becomes what any start makes: ${runtime}`, async () => {
    await using world = await spareWorld();
    const fn = await known(
      world,
      dockerFunction(runtime, "cases.told", {
        memoryMib: 160,
        cpu: 0.5,
        env: { GREETING: "grüß dich", HOME: "/elsewhere" },
      }),
    );
    const [spare] = await spareContainers(world);
    await using instance = await start(world, fn);
    assert.deepEqual([instance.tier, instance.id], ["generic", spare]);
    const told = value(await instance.invoke(dockerCall({ id: "r1" }))) as Record<string, unknown>;
    const { deadline: _, remaining: __, ...facts } = told;
    assert.deepEqual(facts, {
      function: fn.name,
      request: "r1",
      memory: 160,
      area: "TEST",
      node: world.nodeId,
      env: "grüß dich",
      secret: [],
    });
    const { HostConfig } = await world.docker.getContainer(instance.id).inspect();
    assert.deepEqual([HostConfig.Memory, HostConfig.MemorySwap], [160 << 20, 160 << 20]);
    assert.deepEqual([HostConfig.CpuPeriod, HostConfig.CpuQuota], [50_000, 25_000]);
    assert.equal(HostConfig.NetworkMode, "none");
  });
}

Deno.test("a spare serves one function, of its runtime, and is made anew", async () => {
  await using world = await spareWorld();
  const fn = await known(world, dockerFunction("python", "cases.count"));
  const other = dockerFunction("python", "cases.count");
  assert.equal(world.environment.claim(dockerFunction("nodejs", "cases.count")), undefined);
  const first = await start(world, fn);
  assert.equal(value(await first.invoke(dockerCall())), 1);
  await ready(world, "python");
  await first[Symbol.asyncDispose]();
  await using second = await start(world, other);
  assert.equal(world.environment.claim(fn), undefined, "there was one");
  assert.notEqual(second.id, first.id);
  assert.equal(value(await second.invoke(dockerCall())), 1);
});

Deno.test("functions that a spare would be the wrong thing for get none", async () => {
  await using world = await spareWorld({ values: { "runtimes.nodejs.spares": 2 } });
  await known(world, dockerFunction("python", "cases.echo"));
  world.environment.follow("js", dockerFunction("nodejs", "cases.echo"));
  await ready(world, "nodejs", 2);
  for (
    const [runtime, change] of [
      ["python", { network: "bridge" }],
      ["python", { memoryMib: 31 }],
      ["python", { env: { PYTHONHASHSEED: "1" } }],
      ["nodejs", { env: { NODE_OPTIONS: "--stack-size=500" } }],
      ["nodejs", { memoryMib: 1024 }],
    ] as const
  ) {
    const fn = dockerFunction(runtime, "cases.echo", change);
    assert.equal(world.environment.claim(fn), undefined, JSON.stringify(change));
  }
  const claim = world.environment.claim(dockerFunction("nodejs", "cases.echo"))!;
  claim.putBack();
  assert.deepEqual(world.environment.spareCounts(), { python: 1, nodejs: 2 });
});

Deno.test("spares are there only while a function could use them", async () => {
  await using world = await spareWorld();
  world.environment.follow("outbound", dockerFunction("python", "a.b", { network: "bridge" }));
  world.environment.follow("own", dockerFunction("custom", ""));
  await world.environment.settled();
  assert.deepEqual([await spareContainers(world), world.environment.spareCounts()], [[], {}]);
  const fn = await known(world, dockerFunction("python", "cases.echo"));
  assert.equal((await spareContainers(world)).length, 1);
  world.environment.follow(fn.name, undefined);
  await eventually("it is gone", () => Promise.resolve(world.ledger.freeMemory === 1024));
  assert.deepEqual(await spareContainers(world), []);
});

Deno.test("their memory is in the books, and comes back in time", async () => {
  await using world = await spareWorld();
  const fn = await known(world, dockerFunction("python", "cases.echo"));
  assert.deepEqual([world.ledger.balance.warmMemory, world.spares.memoryMib], [32, 32]);
  const [name] = await spareContainers(world);
  const { HostConfig } = await world.docker.getContainer(name!).inspect();
  assert.equal(HostConfig.Memory, 32 << 20);
  await world.spares.reserved[0]!.evict();
  assert.equal(world.ledger.freeMemory, 1024);
  assert.deepEqual(await spareContainers(world), []);
  assert.equal(world.environment.claim(fn), undefined);
});

Deno.test("a spare that dies is replaced", async () => {
  await using world = await spareWorld();
  await known(world, dockerFunction("python", "cases.echo"));
  const [name] = await spareContainers(world);
  await world.docker.getContainer(name!).kill();
  await eventually("another one is ready", async () => {
    const names = await spareContainers(world);
    return names.length === 1 && names[0] !== name && world.environment.spareCounts().python === 1;
  });
  assert.equal(world.spares.memoryMib, 32);
});

Deno.test("where a spare fails, the start takes the next tier", async () => {
  await using world = await spareWorld();
  const fn = await known(world, dockerFunction("python", "cases.echo"));
  const claim = claimed(world, fn);
  const [name] = await spareContainers(world);
  await world.docker.getContainer(name!).kill();
  await using instance = await claim.start(never);
  assert.match(instance.tier, /^(shared|full)$/);
  assert.deepEqual(value(await instance.invoke(dockerCall({ params: { a: 1 } }))), { a: 1 });
  assert.ok(!(await spareContainers(world)).includes(name!));
});

Deno.test("a start in a spare that is given up, or never made, leaves nothing", async () => {
  await using world = await spareWorld();
  const fn = await known(world, dockerFunction("python", "cases.echo"));
  for (const turns of [0, 1, 3, 10, 30]) {
    await ready(world, "python");
    const [name] = await spareContainers(world);
    const begin = (signal: AbortSignal) => claimed(world, fn).start(signal);
    await giveUpStart(begin, turns, new Error("given up"));
    assert.ok(!(await spareContainers(world)).includes(name!));
  }
  await ready(world, "python");
  const [name] = await spareContainers(world);
  await claimed(world, fn)[Symbol.asyncDispose]();
  assert.ok(!(await spareContainers(world)).includes(name!));
});

Deno.test("code of any shape is there, read-only, its own modules before the standard ones", async () => {
  await using folder = await tempDir("code");
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder.path}/${name}`, text);
  await Deno.mkdir(`${folder.path}/parts/deep`, { recursive: true });
  await write(
    "main.py",
    "import uuid\nfrom parts.deep import leaf\ndef run(p, c):\n" +
      "    try: open('/app/new', 'w')\n    except OSError as error: kind = type(error).__name__\n" +
      "    return [uuid.WHOSE, leaf.NAME, kind]\n",
  );
  await write("uuid.py", "WHOSE = 'mine'\n");
  await write("parts/deep/leaf.py", "NAME = 'leaf'\n");
  await using world = await spareWorld({ folder: folder.path });
  const fn = await known(world, dockerFunction("python", "main.run"));
  await using instance = await start(world, fn);
  assert.deepEqual(value(await instance.invoke(dockerCall())), ["mine", "leaf", "OSError"]);
  // What the function's version is, is not touched by its instances' ends.
  await instance[Symbol.asyncDispose]();
  assert.equal(await Deno.readTextFile(`${folder.path}/uuid.py`), "WHOSE = 'mine'\n");
});

Deno.test("code of too many files is mounted instead", async () => {
  await using folder = await tempDir("code");
  await Deno.chmod(folder.path, 0o755); // as unpacked code is
  for (let n = 0; n <= 1000; n++) await Deno.writeTextFile(`${folder.path}/f${n}.py`, "");
  await Deno.writeTextFile(`${folder.path}/main.py`, "def run(p, c): return 1\n");
  await using world = await spareWorld({ folder: folder.path });
  const fn = await known(world, dockerFunction("python", "main.run"));
  await using instance = await start(world, fn);
  assert.match(instance.tier, /^(shared|full)$/);
  assert.equal(value(await instance.invoke(dockerCall())), 1);
  world.environment.follow("other", dockerFunction("python", "cases.echo"));
  await ready(world, "python");
  assert.equal(world.environment.claim(fn), undefined, "it is known now");
});

Deno.test("code that fails to load fails the calls, as in any start", async () => {
  await using world = await spareWorld();
  const fn = await known(world, dockerFunction("python", "broken.handler"));
  await using instance = await start(world, fn);
  assert.equal(instance.tier, "generic");
  assert.equal(failure(await instance.invoke(dockerCall())).type, "ModuleNotFoundError");
});

Deno.test("nothing is left of spares, in use or not; those of a crashed node are swept", async () => {
  const world = await spareWorld();
  const fn = await known(world, dockerFunction("python", "cases.echo"));
  await start(world, fn);
  await ready(world, "python");
  assert.equal((await spareContainers(world)).length, 2);
  const orphan = await world.docker.createContainer({
    name: `orphan-${world.nodeId}`,
    Image: pythonImage,
    Cmd: ["true"],
    Labels: { "serverledge.node": world.nodeId, "serverledge.runtime": "python" },
  });
  await world.environment.sweep();
  await assert.rejects(orphan.inspect(), { statusCode: 404 });
  assert.equal((await spareContainers(world)).length, 2, "those of this process stay");
  await world[Symbol.asyncDispose]();
  assert.deepEqual([await world.containers(), world.spares.memoryMib], [[], 0]);
});
