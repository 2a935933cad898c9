import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import type { FunctionRecord } from "../../../lib/model/function.ts";
import type { Instance } from "../../../lib/runtime/environment.ts";
import { failure, giveUpStart, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, pythonImage } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import {
  announced,
  genericContainers,
  type GenericWorld,
  genericWorld,
  ready,
  taken,
} from "../../support/generic_world.ts";
import { tempDir } from "../../support/temp_dir.ts";

const never = new AbortController().signal;

const start = (world: GenericWorld, fn: FunctionRecord): Promise<Instance> =>
  taken(world, fn).specialize(fn, never);

for (const runtime of ["python", "nodejs"]) {
  Deno.test(`generic container: specialized for ${runtime}, equals any other instance`, async () => {
    await using world = await genericWorld();
    const fn = await announced(
      world,
      dockerFunction(runtime, "cases.facts", {
        memoryMib: 160,
        cpu: 0.5,
        env: { GREETING: "grüß dich", HOME: "/elsewhere" },
      }),
    );
    const [generic] = await genericContainers(world);
    await using instance = await start(world, fn);
    assert.deepEqual([instance.tier, instance.id], ["generic", generic]);
    const reported = value(await instance.invoke(dockerCall({ id: "r1" }))) as Record<
      string,
      unknown
    >;
    const { deadline: _, remaining: __, ...facts } = reported;
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

Deno.test("generic container: specialized, serves one function of its runtime and is replaced", async () => {
  await using world = await genericWorld();
  const fn = await announced(world, dockerFunction("python", "cases.count"));
  const other = dockerFunction("python", "cases.count");
  assert.equal(world.generics.find(dockerFunction("nodejs", "cases.count")), undefined);
  const first = await start(world, fn);
  assert.equal(world.generics.find(fn), undefined, "there was one");
  assert.equal(value(await first.invoke(dockerCall())), 1);
  await ready(world, "python");
  await first[Symbol.asyncDispose]();
  await using second = await start(world, other);
  assert.notEqual(second.id, first.id);
  assert.equal(value(await second.invoke(dockerCall())), 1);
});

Deno.test("generic container: unsuitable function, gets none", async () => {
  await using world = await genericWorld({ values: { "runtimes.nodejs.generic": 2 } });
  await announced(world, dockerFunction("python", "cases.echo"));
  world.generics.changed("js", dockerFunction("nodejs", "cases.echo"));
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
    assert.equal(world.generics.find(fn), undefined, JSON.stringify(change));
  }
  for (const runtime of ["python", "nodejs"]) {
    assert.ok(world.generics.find(dockerFunction(runtime, "cases.echo")), `${runtime}: suitable`);
  }
  assert.deepEqual(world.generics.counts, { python: 1, nodejs: 2 });
});

Deno.test("generic container: no function can use it, is removed", async () => {
  await using world = await genericWorld();
  world.generics.changed("outbound", dockerFunction("python", "a.b", { network: "bridge" }));
  world.generics.changed("own", dockerFunction("custom", ""));
  await world.generics.filled();
  assert.deepEqual([await genericContainers(world), world.generics.counts], [[], {}]);
  const fn = await announced(world, dockerFunction("python", "cases.echo"));
  assert.equal((await genericContainers(world)).length, 1);
  world.generics.changed(fn.name, undefined);
  await eventually("it is gone", () => Promise.resolve(world.ledger.freeMemory === 1024));
  assert.deepEqual(await genericContainers(world), []);
});

Deno.test("generic container: evicted, releases its memory and is removed", async () => {
  await using world = await genericWorld();
  const fn = await announced(world, dockerFunction("python", "cases.echo"));
  assert.deepEqual([world.ledger.balance.warmMemory, world.generics.memoryMib], [32, 32]);
  const [name] = await genericContainers(world);
  const { HostConfig } = await world.docker.getContainer(name!).inspect();
  assert.equal(HostConfig.Memory, 32 << 20);
  await world.generics.evictable[0]!.evict();
  assert.equal(world.ledger.freeMemory, 1024);
  assert.deepEqual(await genericContainers(world), []);
  assert.equal(world.generics.find(fn), undefined);
});

Deno.test("generic container: dies, is replaced", async () => {
  await using world = await genericWorld();
  await announced(world, dockerFunction("python", "cases.echo"));
  const [name] = await genericContainers(world);
  await world.docker.getContainer(name!).kill();
  await eventually("another one is ready", async () => {
    const names = await genericContainers(world);
    return names.length === 1 && names[0] !== name && world.generics.counts.python === 1;
  });
  assert.equal(world.generics.memoryMib, 32);
});

Deno.test("generic container: start is aborted, its image stays known", async () => {
  await using world = await genericWorld();
  const { environment } = world;
  await environment.images.look();
  const abort = new AbortController();
  const kind = environment.generic(dockerFunction("python", "cases.echo"))!;
  const started = environment.startGeneric(kind, abort.signal);
  started.catch(() => {});
  await eventually("it is being started", async () => (await genericContainers(world)).length > 0);
  abort.abort(new Error("not needed"));
  await assert.rejects(started, { message: "not needed" });
  assert.deepEqual(await genericContainers(world), []);
  assert.equal(environment.images.isPresent(pythonImage), true);
});

Deno.test("generic container: image is pulled again, is replaced even if it is starting", async () => {
  const [repo, tag] = [`serverledge-test/pulled-${randomId(6)}`, "1"];
  const image = `${repo}:${tag}`;
  const values = { "runtimes.python.image": image, "runtimes.python.generic": 2 };
  await using world = await genericWorld({ values });
  const { docker, environment, generics } = world;
  await using cleanup = new AsyncDisposableStack();
  await docker.getImage(pythonImage).tag({ repo, tag });
  cleanup.defer(() => docker.getImage(image).remove({ force: true }));
  cleanup.defer(() => generics[Symbol.asyncDispose]());
  const imageId = async (name: string) => (await docker.getContainer(name).inspect()).Image;

  const fn = dockerFunction("python", "cases.echo");
  generics.changed(fn.name, fn);
  await eventually("one is ready, one is starting", () => generics.counts.python === 1);
  const old = await genericContainers(world);
  // What a registry would do, which the tests cannot reach: the name stands for another image.
  environment.images.refresh = async () => {
    const container = await docker.createContainer({ Image: pythonImage, Cmd: ["true"] });
    await container.commit({ repo, tag });
    await container.remove();
    return true;
  };
  await environment.prepare(fn, { refresh: true });
  assert.equal(generics.find(fn), undefined, "none of the former image is left");
  await ready(world, "python", 2);
  await eventually("the former ones are removed", async () => {
    const names = await genericContainers(world);
    return names.length === 2 && !names.some((name) => old.includes(name));
  });
  const { Id } = await docker.getImage(image).inspect();
  assert.notEqual(Id, (await docker.getImage(pythonImage).inspect()).Id);
  const names = await genericContainers(world);
  assert.deepEqual(await Promise.all(names.map(imageId)), [Id, Id]);
});

Deno.test("generic container: fails to be specialized, is replaced by a new container", async () => {
  await using world = await genericWorld();
  const fn = await announced(world, dockerFunction("python", "cases.echo"));
  const generic = taken(world, fn);
  const [name] = await genericContainers(world);
  await world.docker.getContainer(name!).kill();
  await using instance = await generic.specialize(fn, never);
  assert.match(instance.tier, /^(shared|full)$/);
  assert.deepEqual(value(await instance.invoke(dockerCall({ params: { a: 1 } }))), { a: 1 });
  assert.ok(!(await genericContainers(world)).includes(name!));
});

Deno.test("generic container: specialization is aborted or never begins, leaves nothing behind", async () => {
  await using world = await genericWorld();
  const fn = await announced(world, dockerFunction("python", "cases.echo"));
  for (const turns of [0, 1, 3, 10, 30]) {
    await ready(world, "python");
    const [name] = await genericContainers(world);
    const begin = (signal: AbortSignal) => taken(world, fn).specialize(fn, signal);
    await giveUpStart(begin, turns, new Error("given up"));
    assert.ok(!(await genericContainers(world)).includes(name!));
  }
  await ready(world, "python");
  const [name] = await genericContainers(world);
  await taken(world, fn)[Symbol.asyncDispose]();
  assert.ok(!(await genericContainers(world)).includes(name!));
});

Deno.test("generic container: code of any layout, is read-only and precedes the standard library", async () => {
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
  await using world = await genericWorld({ folder: folder.path });
  const fn = await announced(world, dockerFunction("python", "main.run"));
  await using instance = await start(world, fn);
  assert.deepEqual(value(await instance.invoke(dockerCall())), ["mine", "leaf", "OSError"]);
  // What the function's version is, is not touched by its instances' ends.
  await instance[Symbol.asyncDispose]();
  assert.equal(await Deno.readTextFile(`${folder.path}/uuid.py`), "WHOSE = 'mine'\n");
});

Deno.test("generic container: code has too many files, is mounted in a new container", async () => {
  await using folder = await tempDir("code");
  await Deno.chmod(folder.path, 0o755); // as unpacked code is
  for (let n = 0; n <= 1000; n++) await Deno.writeTextFile(`${folder.path}/f${n}.py`, "");
  await Deno.writeTextFile(`${folder.path}/main.py`, "def run(p, c): return 1\n");
  await using world = await genericWorld({ folder: folder.path });
  const fn = await announced(world, dockerFunction("python", "main.run"));
  await using instance = await start(world, fn);
  assert.match(instance.tier, /^(shared|full)$/);
  assert.equal(value(await instance.invoke(dockerCall())), 1);
  world.generics.changed("other", dockerFunction("python", "cases.echo"));
  await ready(world, "python");
  assert.equal(world.generics.find(fn), undefined, "it is remembered");
});

Deno.test("generic container: code fails to load, fails the calls as in any instance", async () => {
  await using world = await genericWorld();
  const fn = await announced(world, dockerFunction("python", "broken.handler"));
  await using instance = await start(world, fn);
  assert.equal(instance.tier, "generic");
  assert.equal(failure(await instance.invoke(dockerCall())).type, "ModuleNotFoundError");
});

Deno.test("generic container: environment is closed or swept, nothing is left behind", async () => {
  const world = await genericWorld();
  const fn = await announced(world, dockerFunction("python", "cases.echo"));
  await start(world, fn);
  await ready(world, "python");
  assert.equal((await genericContainers(world)).length, 2);
  const orphan = await world.docker.createContainer({
    name: `orphan-${world.nodeId}`,
    Image: pythonImage,
    Cmd: ["true"],
    Labels: { "serverledge.node": world.nodeId, "serverledge.runtime": "python" },
  });
  await world.environment.sweep();
  await assert.rejects(orphan.inspect(), { statusCode: 404 });
  assert.equal((await genericContainers(world)).length, 2, "those of this process stay");
  await world[Symbol.asyncDispose]();
  assert.deepEqual([await world.containers(), world.generics.memoryMib], [[], 0]);
});
