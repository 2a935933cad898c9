import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { backUp, checkBackup, restore } from "../../lib/registry/local/backup.ts";
import { openSqlite } from "../../lib/registry/local/registry.ts";
import { Recorder, sampleRecord } from "../contract/registry.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Writes a registry with functions of these names. */
async function write(path: string, ...names: string[]): Promise<void> {
  await using registry = openSqlite(path);
  for (const name of names) await registry.createFunction(sampleRecord(name));
}

/** Names of the functions in a registry. */
async function read(path: string): Promise<string[]> {
  await using registry = openSqlite(path);
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  return [...seen.functions.keys()];
}

Deno.test("a backup of an open registry includes its write-ahead log", async () => {
  await using dir = await tempDir("backup");
  const [path, copy] = [`${dir.path}/registry.db`, `${dir.path}/copy`];
  await using registry = openSqlite(path);
  await registry.createFunction(sampleRecord("f"));
  await registry.putResult("r", { state: "pending", node: "n", since: 1 }, 60_000);
  backUp(path, copy);
  assert.equal((Deno.statSync(copy).mode ?? 0) & 0o777, 0o600);
  assert.equal(checkBackup(copy).functions, 1);
  await registry.deleteFunction("f");
  assert.equal(checkBackup(copy).functions, 1);
  await using copied = openSqlite(copy);
  assert.deepEqual(await copied.pendingResults("n"), ["r"]);
});

Deno.test("restore replaces a registry, also one left by a crash, and keeps the former one", async () => {
  await using dir = await tempDir("backup");
  const [path, copy] = [`${dir.path}/registry.db`, `${dir.path}/copy`];
  await write(path, "old");
  backUp(path, copy);
  // The log of a process that was killed must not be applied to the restored file.
  const crashed = `${dir.path}/crashed`;
  {
    await using registry = openSqlite(path);
    await registry.createFunction(sampleRecord("new"));
    for (const suffix of ["", "-wal"]) await Deno.copyFile(path + suffix, crashed + suffix);
  }
  assert.notEqual((await Deno.stat(`${crashed}-wal`)).size, 0);
  const { former, functions } = restore(copy, crashed);
  assert.equal(functions, 1);
  assert.deepEqual(await read(crashed), ["old"]);
  assert.deepEqual(await read(former!), ["new", "old"]);
  assert.deepEqual(restore(copy, `${dir.path}/nothing`).former, undefined);
  assert.deepEqual(await read(`${dir.path}/nothing`), ["old"]);
});

Deno.test("restore replaces a registry of a newer program by the copy from before its migration", async () => {
  await using dir = await tempDir("backup");
  const [path, copy] = [`${dir.path}/registry.db`, `${dir.path}/registry.db.v4`];
  await write(path, "f");
  backUp(path, copy);
  {
    using database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
  }
  assert.throws(() => openSqlite(path), { message: /layout version 99.*registry\.db\.v\d/ });
  restore(copy, path);
  assert.deepEqual(await read(path), ["f"]);
});

Deno.test("a restored registry belongs to the owner of its folder", {
  ignore: Deno.uid() !== 0,
}, async () => {
  await using dir = await tempDir("backup");
  const [path, copy] = [`${dir.path}/data/registry.db`, `${dir.path}/copy`];
  await write(`${dir.path}/registry.db`, "f");
  backUp(`${dir.path}/registry.db`, copy);
  await Deno.mkdir(`${dir.path}/data`);
  await Deno.chown(`${dir.path}/data`, 65534, 65534);
  restore(copy, path);
  const { uid, gid } = await Deno.stat(path);
  assert.deepEqual([uid, gid], [65534, 65534]);
});

Deno.test("restore replaces a damaged registry and keeps its files", async () => {
  await using dir = await tempDir("backup");
  const [path, copy] = [`${dir.path}/registry.db`, `${dir.path}/copy`];
  await write(path, "f");
  backUp(path, copy);
  await Deno.writeTextFile(path, "no database ".repeat(1000));
  const { former } = restore(copy, path);
  assert.match(await Deno.readTextFile(former!), /^no database/);
  assert.deepEqual(await read(path), ["f"]);
});

Deno.test("a backup that cannot be used is refused, and the registry stays", async (t) => {
  await using dir = await tempDir("backup");
  const [path, copy] = [`${dir.path}/registry.db`, `${dir.path}/copy`];
  const many = Array.from({ length: 200 }, (_, at) => `f${at}`);
  await write(path, ...many);
  const change = (sql: string) => {
    using database = new DatabaseSync(copy);
    database.exec(sql);
  };
  const damages: Record<string, [change: () => unknown, reason: RegExp]> = {
    "newer layout": [() => change("PRAGMA user_version = 99"), /layout version 99.*newer/],
    "missing file": [() => Deno.removeSync(copy), /no such file/],
    "empty file": [() => Deno.truncateSync(copy), /not a complete file/],
    "other database": [() => change("DROP TABLE functions"), /not a complete file/],
    "half a file": [() => Deno.truncateSync(copy, Deno.statSync(copy).size / 2), /backup.*copy/],
    "text": [() => Deno.writeTextFileSync(copy, "x".repeat(9999)), /not a database/],
    "overwritten pages": [() => {
      using file = Deno.openSync(copy, { write: true });
      file.seekSync(20_000, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(12_000).fill(7));
    }, /backup.*copy/],
  };
  for (const [name, [damage, message]] of Object.entries(damages)) {
    await t.step(name, async () => {
      await Deno.remove(copy).catch(() => {});
      backUp(path, copy);
      damage();
      assert.throws(() => restore(copy, path), { code: "INVALID_REQUEST", message });
      assert.equal((await read(path)).length, many.length);
    });
  }
  const files = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assert.deepEqual(files, ["copy", "registry.db"]);
});
