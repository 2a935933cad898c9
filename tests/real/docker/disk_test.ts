import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { crashed, value } from "../../contract/environment.ts";
import {
  buildCustomImage,
  buildVolumeImage,
  dockerCall,
  dockerFunction,
  dockerWorld,
} from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp_dir.ts";

const never = new AbortController().signal;
const env = { env: { CASE: "write" } };

Deno.test("a custom image that writes more than container.disk is ended, and the reason reported", async () => {
  await buildCustomImage();
  await using world = await dockerWorld({ values: { "container.disk": 100 } });
  const start = () => world.environment.start(dockerFunction("custom", "", env), never);
  await using greedy = await start();
  await using modest = await start();
  const write = (mib: number) => dockerCall({ params: { path: "/var/tmp/file", mib } });
  assert.equal(value(await modest.invoke(write(60))), "written");
  // It may be ended while it writes.
  await greedy.invoke(write(200)).catch(() => {});
  const reason = await (await greedy.terminated).reason;
  assert.equal(reason.code, "FUNCTION_CRASHED");
  const [, written] = /written (\d+) MiB .* 100 MiB of container\.disk/.exec(reason.message)!;
  assert(Number(written) > 100, reason.message);
  const late = await crashed(greedy.invoke(write(1)));
  assert.equal(late.message, reason.message);
  assert.equal(value(await modest.invoke(write(1))), "written");
});

Deno.test("files in a volume count, and the volume is removed with its instance", async () => {
  const customImage = await buildVolumeImage("/data");
  await using world = await dockerWorld({ values: { "container.disk": 100 } });
  const fn = dockerFunction("custom", "", { ...env, customImage });
  await using instance = await world.environment.start(fn, never);
  const { Mounts } = await world.docker.getContainer(instance.id).inspect();
  const [volume] = Mounts.filter(({ Destination }) => Destination === "/data");
  assert.equal(volume?.Type, "volume");
  // It may be ended while it writes.
  await instance.invoke(dockerCall({ params: { path: "/data/file", mib: 200 } })).catch(() => {});
  const reason = await (await instance.terminated).reason;
  assert.match(reason.message, /written \d+ MiB .* 100 MiB of container\.disk/);
  await instance[Symbol.asyncDispose]();
  await assert.rejects(
    world.docker.getVolume(volume!.Name!).inspect(),
    ({ statusCode }) => statusCode === 404,
  );
});

Deno.test("a custom image that writes too much before it serves fails its start", async () => {
  await using world = await dockerWorld({ values: { "container.disk": 100 } });
  const fn = dockerFunction("custom", "", { env: { CASE: "filling" } });
  await assert.rejects(
    world.environment.start(fn, never),
    { code: "INSTANCE_START_FAILED", message: /MiB of container\.disk/ },
  );
  await eventually(
    "nothing is left",
    async () => (await world.containers({ functions: true })).length === 0,
  );
});

Deno.test("with a read-only root a custom image writes to its /tmp only, up to its size", async () => {
  await using dir = await tempDir("code");
  await Deno.chmod(dir.path, 0o755);
  await Deno.writeTextFile(`${dir.path}/data.txt`, "x");
  await using world = await dockerWorld({
    values: { "container.root": "readonly", "container.tmp": 8 },
    folder: dir.path,
    archive: await packTar([]),
  });
  const start = (CASE: string) =>
    world.environment.start(
      dockerFunction("custom", "", { env: { CASE }, codeHash: "cases" }),
      never,
    );
  await using instance = await start("write");
  const write = async (path: string, mib: number) =>
    value(await instance.invoke(dockerCall({ params: { path, mib } })));
  assert.equal(await write("/var/tmp/file", 1), "OSError 30", "EROFS");
  assert.equal(await write("/tmp/file", 4), "written");
  assert.equal(await write("/tmp/file", 16), "OSError 28", "ENOSPC");
  await using files = await start("files");
  assert.deepEqual(value(await files.invoke(dockerCall())), ["data.txt"]);
});
