import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openKnownFunctions } from "../../lib/registry/local/known_functions.ts";
import { ResultJournal } from "../../lib/registry/local/result_journal.ts";
import { openSqlite } from "../../lib/registry/local/registry.ts";
import { longResult, Recorder, sampleRecord, testRegistry } from "../contract/registry.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A place for a registry's file. */
async function tempFile(): Promise<AsyncDisposable & { path: string }> {
  const dir = await tempDir("sqlite");
  return {
    path: `${dir.path}/registry.sqlite`,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

testRegistry("embedded", async () => {
  const file = await tempFile();
  const registry = openSqlite(file.path);
  return {
    registry,
    shared: false,
    pass: () => {},
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
    },
  };
});

Deno.test("an embedded registry keeps its data after it was closed", async () => {
  await using file = await tempFile();
  {
    await using first = openSqlite(file.path);
    await first.createFunction(sampleRecord("f"));
    await first.putCode("ab", new Uint8Array([1, 2]));
    await first.putResult("r", { state: "pending", node: "n", since: 1 }, 60_000);
  }
  await using second = openSqlite(file.path);
  const seen = new Recorder();
  await using _watch = await second.watchFunctions(seen);
  assert.deepEqual(seen.functions.get("f"), sampleRecord("f"));
  assert.deepEqual(await second.getCode("ab"), new Uint8Array([1, 2]));
  assert.deepEqual(await second.pendingResults("n"), ["r"]);
});

Deno.test("the files of an embedded registry can be read by their user only", async () => {
  await using file = await tempFile();
  await using registry = openSqlite(file.path);
  await registry.createFunction(sampleRecord("f"));
  for (const suffix of ["", "-wal", "-shm"]) {
    assert.equal(Deno.statSync(file.path + suffix).mode! & 0o777, 0o600, suffix);
  }
});

Deno.test("committed changes of an embedded registry survive the kill of its process", async () => {
  await using file = await tempFile();
  const script = `
    import { openSqlite } from ${
    JSON.stringify(import.meta.resolve("../../lib/registry/local/registry.ts"))
  };
    const registry = openSqlite(Deno.args[0]);
    await registry.createFunction(JSON.parse(Deno.args[1]));
    Deno.kill(Deno.pid, "SIGKILL");
  `;
  const { signal } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script, file.path, JSON.stringify(sampleRecord("f"))],
    stderr: "inherit",
  }).output();
  assert.equal(signal, "SIGKILL");
  await using registry = openSqlite(file.path);
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  assert.deepEqual([...seen.functions.keys()], ["f"]);
});

Deno.test("an unreadable record is skipped", async () => {
  await using file = await tempFile();
  await openSqlite(file.path)[Symbol.asyncDispose]();
  const database = new DatabaseSync(file.path);
  database.exec("INSERT INTO functions VALUES ('bad', '', '{}'), ('worse', '', '{')");
  database.close();
  await using registry = openSqlite(file.path);
  await registry.createFunction(sampleRecord("good"));
  const seen = new Recorder();
  await using _watch = await registry.watchFunctions(seen);
  assert.deepEqual(seen.events, ["reset good-1"]);
});

Deno.test("the error for an unusable file names it", async () => {
  await using file = await tempFile();
  await Deno.writeTextFile(file.path, "this is no database, this is text, and it is long enough");
  assert.throws(() => openSqlite(file.path), { code: "REGISTRY_UNAVAILABLE" });
  assert.throws(() => openSqlite(`${file.path}/below/a/file`), { code: "REGISTRY_UNAVAILABLE" });
});

/** A registry's file with functions in it, of which a part is damaged. */
async function damage(path: string, change: (bytes: Uint8Array) => void): Promise<void> {
  {
    await using registry = openSqlite(path);
    for (let n = 0; n < 100; n++) await registry.createFunction(sampleRecord(`function-${n}`));
  }
  const bytes = await Deno.readFile(path);
  change(bytes);
  await Deno.writeFile(path, bytes);
}

const pageSize = 4096;
const damages: Record<string, (bytes: Uint8Array) => void> = {
  "the first page": (bytes) => bytes.fill(0, 0, pageSize),
  "the root of the functions": (bytes) => bytes.fill(0, pageSize, 2 * pageSize),
  "the index of their names": (bytes) => bytes.fill(0xa5, 2 * pageSize, 3 * pageSize),
  "every other page": (bytes) => {
    for (let at = pageSize; at < bytes.length; at += 2 * pageSize) bytes.fill(0, at, at + pageSize);
  },
  "a bit here and there": (bytes) => {
    for (let at = pageSize; at < bytes.length; at += 97) bytes[at]! ^= 0x55;
  },
};

Deno.test("a damaged file is refused with the remedy, and not taken for an empty one", async (t) => {
  for (const [what, change] of Object.entries(damages)) {
    await t.step(what, async () => {
      await using file = await tempFile();
      await damage(file.path, change);
      assert.throws(() => openSqlite(file.path), {
        code: "REGISTRY_UNAVAILABLE",
        message: /damaged.*restore the file.*move both away/,
      });
      assert.throws(() => new ResultJournal(file.path), { code: "REGISTRY_UNAVAILABLE" });
    });
  }
});

Deno.test("a damaged file of known functions is moved aside, since the registry has them", async () => {
  await using file = await tempFile();
  await damage(file.path, damages["every other page"]!);
  const damaged = await Deno.readFile(file.path);
  {
    await using memory = openKnownFunctions(file.path);
    await memory.putFunction(sampleRecord("f"));
  }
  assert.deepEqual(await Deno.readFile(`${file.path}.damaged`), damaged);
  await using memory = openKnownFunctions(file.path);
  const seen = new Recorder();
  await using _watch = await memory.watchFunctions(seen);
  assert.deepEqual([...seen.functions.keys()], ["f"]);
});

Deno.test("a file of another layout is refused", async () => {
  await using file = await tempFile();
  const database = new DatabaseSync(file.path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  assert.throws(() => openSqlite(file.path), {
    code: "REGISTRY_UNAVAILABLE",
    message: /layout version 99/,
  });
});

/** Code that is kept in parts. */
function longCode(): Uint8Array {
  return Uint8Array.from({ length: 3_000_001 }, (_, at) => at * 31 >> 3);
}

Deno.test("an embedded registry of the first layout is taken over, its code as well", async () => {
  await using file = await tempFile();
  {
    using database = new DatabaseSync(file.path);
    database.exec(`
      CREATE TABLE functions (name TEXT PRIMARY KEY, code_hash TEXT NOT NULL, record TEXT NOT NULL) STRICT;
      CREATE TABLE code (hash TEXT PRIMARY KEY, archive BLOB NOT NULL) STRICT;
      CREATE TABLE results (
        id TEXT PRIMARY KEY, pending_on TEXT, result TEXT NOT NULL, expires_at INTEGER NOT NULL
      ) STRICT;
      PRAGMA user_version = 1;
    `);
    const record = sampleRecord("f", { codeHash: "old" });
    database.prepare("INSERT INTO functions VALUES (?, ?, ?)")
      .run("f", "old", JSON.stringify(record));
    database.prepare("INSERT INTO code VALUES (?, ?)").run("old", longCode());
  }
  await using registry = openSqlite(file.path);
  using copy = new DatabaseSync(`${file.path}.v1`, { readOnly: true });
  assert.equal(copy.prepare("PRAGMA user_version").get()?.user_version, 1);
  assert.equal(copy.prepare("SELECT name FROM functions").get()?.name, "f");
  await registry.putCode("new", longCode());
  for (const hash of ["old", "new"]) {
    assert.ok((await registry.getCode(hash))!.toHex() === longCode().toHex(), hash);
  }
  assert.equal(await registry.collectCode(), 0);
  assert.ok(await registry.getCode("old"));
});

Deno.test("code that a crash left incomplete is not served, and is deleted", async () => {
  await using file = await tempFile();
  const script = `
    import { openSqlite } from ${
    JSON.stringify(import.meta.resolve("../../lib/registry/local/registry.ts"))
  };
    const registry = openSqlite(Deno.args[0]);
    void registry.putCode("half", new Uint8Array(3_000_000));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setTimeout(resolve, 0));
    Deno.kill(Deno.pid, "SIGKILL");
  `;
  const { signal } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script, file.path],
    stderr: "inherit",
  }).output();
  assert.equal(signal, "SIGKILL");
  const parts = () => {
    using database = new DatabaseSync(file.path);
    return Number(database.prepare("SELECT count(*) AS count FROM parts").get()!.count);
  };
  const left = parts();
  assert.ok(left > 0 && left < 12, `${left} of 12 parts`);
  await using registry = openSqlite(file.path);
  assert.equal(await registry.getCode("half"), undefined);
  await registry.collectCode();
  assert.equal(parts(), 0);
  await registry.putCode("half", longCode());
  assert.equal((await registry.getCode("half"))?.length, longCode().length);
});

Deno.test("an embedded registry with a damaged long result: the result is unknown, others are not", async () => {
  await using file = await tempFile();
  await using registry = openSqlite(file.path);
  for (const id of ["bad", "good"]) await registry.putResult(id, longResult(), 60_000);
  {
    using database = new DatabaseSync(file.path);
    const [owner] = database.prepare("SELECT parts FROM results WHERE id = 'bad'").all();
    const damage = database.prepare(
      "UPDATE parts SET bytes = zeroblob(length(bytes)) WHERE owner = ?",
    );
    assert.ok(Number(damage.run(owner!.parts as string).changes) > 1);
  }
  assert.equal(await registry.getResult("bad"), undefined);
  assert.equal((await registry.getResult("good"))?.state, "done");
});
