/**
 * Images on the real engine: fetched from a registry on loopback, noted, and removed when nothing
 * needs them.
 *
 * @module
 */

import assert from "node:assert/strict";
// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { randomId } from "../../../lib/base/ids.ts";
import type { ServerledgeError } from "../../../lib/base/errors.ts";
import { textFile } from "../../../lib/base/text_file.ts";
import type { ImageNeed } from "../../../lib/images/needs.ts";
import { Engine } from "../../../lib/runtime/docker/engine/engine.ts";
import { ImageRecords } from "../../../lib/images/records.ts";
import { ImageKeeper } from "../../../lib/runtime/docker/images/keeper.ts";
import { Images } from "../../../lib/runtime/docker/images/images.ts";
import { startImageRegistry } from "../../support/image_registry.ts";
import { tempDir } from "../../support/temp_dir.ts";

Deno.test("Images: gives up a pull of which the registry sends no more, and uses the present image", async () => {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(startImageRegistry());
  const docker = new Docker({ socketPath: "/var/run/docker.sock" });
  const engine = stack.use(new Engine());
  const records = new ImageRecords({ read: () => undefined, write: () => {} });
  const images = new Images(engine, false, records, 500);
  const name = `present-${randomId(6)}`;
  const image = await registry.add(name, randomId(12));
  stack.defer(() => docker.getImage(image).remove({ force: true }));
  await images.ensure(image, "");
  const first = await images.find(image);
  await registry.add(name, randomId(12)); // another content by the same name
  registry.stalls = true;
  assert.equal(await images.refresh(image, ""), false);
  assert.deepEqual(await images.find(image), first);
  const absent = await registry.add(`absent-${randomId(6)}`, randomId(12));
  await assert.rejects(images.ensure(absent, "some.key"), {
    code: "ENGINE_REFUSED",
    message:
      /the image's registry has sent no data for 0\.5 s; get it with docker pull .* some\.key to another image$/,
  });
  assert.deepEqual(images.pulls(), []);
});

Deno.test("images are fetched, listed, and removed when nothing needs them", async () => {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(startImageRegistry());
  const { path } = stack.use(await tempDir("images"));
  const docker = new Docker({ socketPath: "/var/run/docker.sock" });
  const engine = stack.use(new Engine());
  const needs = new Map<string, ImageNeed>();
  const open = () => {
    const records = new ImageRecords(textFile(`${path}/images.json`));
    const images = new Images(engine, false, records);
    return { images, keeper: new ImageKeeper({ images, needs: () => needs, keyOf: () => "" }) };
  };
  const { keeper, images } = open();

  const names = await Promise.all(
    ["needed", "former", "busy", "stranger"].map((name) =>
      registry.add(`${name}-${randomId(6)}`, randomId(12))
    ),
  ) as [string, string, string, string];
  const [needed, former, busy, stranger] = names;
  stack.defer(async () => {
    for (const name of names) await docker.getImage(name).remove({ force: true }).catch(() => {});
  });
  for (const name of [needed, former, busy]) needs.set(name, { runtimes: [], functions: ["f"] });

  // A stranger fetches one by hand; nobody here ever uses it.
  const progress = await docker.pull(stranger);
  await new Promise((resolve) => docker.modem.followProgress(progress, resolve));

  assert((await keeper.list()).every(({ present, sizeBytes }) => !present && sizeBytes === null));
  const { pulled } = await keeper.pull([], false);
  assert.deepEqual(pulled.sort(), [needed, former, busy].sort());
  assert.deepEqual((await keeper.pull([], false)).pulled, []);
  for (const view of await keeper.list()) {
    assert(view.present && view.pulled && view.sizeBytes! > 0 && view.architecture, view.image);
  }
  await assert.rejects(
    keeper.pull([`${registry.host}/nobody:1`], false),
    ({ code, message }: ServerledgeError) =>
      code === "ENGINE_REFUSED" && message.includes("docker load"),
  );

  const container = await docker.createContainer({ Image: busy });
  stack.defer(() => container.remove({ force: true }));
  needs.delete(former);
  needs.delete(busy);
  const { keeper: again, images: later } = open(); // a node that was restarted meanwhile
  const dry = await again.prune({ dryRun: true, unpublished: false });
  assert.deepEqual(dry.removed.map(({ image }) => image), [former]);
  assert(await images.find(former), "a dry run removes nothing");
  const pruned = await again.prune({ dryRun: false, unpublished: true });
  assert.deepEqual(pruned.removed, dry.removed);
  assert.deepEqual(pruned.kept, [{ image: busy, reason: "a container uses it" }]);
  assert.equal(await images.find(former), undefined);
  for (const name of [needed, busy, stranger]) assert(await images.find(name), name);
  assert.equal(await images.remove(busy), false, "the engine itself would not");

  await later.ensure(former, "");
  assert(await later.find(former), "what was removed is fetched again when it is needed");
  assert.equal(registry.asked.filter((name) => former.includes(name)).length > 1, true);
});
