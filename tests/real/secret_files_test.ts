/**
 * Files with secrets and their keys, on real file systems.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SecretMounts } from "../../lib/runtime/docker/secret_mounts.ts";
import { addKey, createKeyFile, KeyRing } from "../../lib/secrets/key_ring.ts";
import { tempDir } from "../support/temp_dir.ts";

const secrets = { variables: { A: "a" }, files: { b: new TextEncoder().encode("b") } };
const memory = "/dev/shm";
const inMemory = () =>
  new Set(
    [...Deno.readDirSync(memory)].map(({ name }) => name)
      .filter((name) => name.startsWith("serverledge-secrets-")),
  );

Deno.test("SecretMounts: a folder whose name cannot be kept on disk is not created", async () => {
  await using run = await tempDir("secret-mounts");
  using mounts = new SecretMounts(run.path);
  await Deno.remove(`${run.path}/secrets`);
  await Deno.writeTextFile(`${run.path}/secrets`, "");
  const before = inMemory();
  assert.throws(() => mounts.write(secrets), {
    code: "INSTANCE_START_FAILED",
    message: /^Containers cannot have secrets on this node: cannot write them to \/dev\/shm: /,
  });
  assert.deepEqual([...inMemory()].filter((name) => !before.has(name)), []);
});

Deno.test("SecretMounts: a removed folder is created again, and none is left at the end", async () => {
  await using run = await tempDir("secret-mounts");
  const names = () => [...Deno.readDirSync(`${run.path}/secrets`)].map(({ name }) => name);
  {
    using mounts = new SecretMounts(run.path);
    mounts.write(secrets);
    const [first] = names();
    Deno.removeSync(`${memory}/${first}`, { recursive: true });
    using mount = mounts.write(secrets);
    assert.equal(Deno.readTextFileSync(`${mount.path}/b`), "b");
    assert.equal(names().length, 2);
    const second = names().find((name) => name !== first)!;
    assert.equal(Deno.statSync(`${memory}/${second}`).mode! & 0o777, 0o700);
  }
  {
    using _next = new SecretMounts(run.path);
    assert.deepEqual(names(), []);
  }
});

Deno.test("KeyRing: requests at the same time create one key", async () => {
  await using folder = await tempDir("secrets-key");
  const file = `${folder.path}/secrets.key`;
  const ring = new KeyRing({ setting: "", file, mayCreate: true });
  const keys = await Promise.all(Array.from({ length: 20 }, () => ring.encrypting()));
  assert.equal(new Set(keys.map(({ id }) => id)).size, 1);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["secrets.key"]);
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
});

Deno.test("addKey: the file keeps its owner and its links, and never has more keys than allowed", async () => {
  await using folder = await tempDir("secrets-key");
  const [file, link] = [`${folder.path}/file`, `${folder.path}/link`];
  const ids = [await createKeyFile(file)];
  await assert.rejects(createKeyFile(file), { code: "CONFIG_INVALID", message: /it exists/ });
  await Deno.symlink(file, link);
  const nobody = 65534;
  const owner = Deno.uid() === 0 ? nobody : Deno.uid();
  if (owner === nobody) await Deno.chown(file, nobody, nobody);
  for (let count = 2; count <= 16; count++) ids.unshift(await addKey(link));
  const full = await Deno.readTextFile(file);
  await assert.rejects(addKey(link), { code: "CONFIG_INVALID", message: /has 17 keys/ });
  assert.equal(await Deno.readTextFile(file), full);
  const { uid, mode } = await Deno.stat(file);
  assert.deepEqual([uid, mode! & 0o777], [owner, 0o600]);
  assert((await Deno.lstat(link)).isSymlink);
  const ring = new KeyRing({ setting: link, file: "", mayCreate: false });
  assert.deepEqual((await ring.keys()).map(({ id }) => id), ids);
  assert.equal([...Deno.readDirSync(folder.path)].length, 2, "no temporary file is left");
});
