import assert from "node:assert/strict";
import { packTar as pack, type TarHeader } from "modern-tar";
import { ServerledgeError } from "../base/errors.ts";
import { packTar, readTar } from "./archive.ts";
import type { ArchiveEntry } from "./entries.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const file = (path: string, text = path, executable = false): ArchiveEntry => ({
  path,
  data: bytes(text),
  executable,
});

/** TAR archive with arbitrary headers. */
function crafted(...headers: (Partial<TarHeader> & { name: string })[]): Promise<Uint8Array> {
  return pack(headers.map((header) => ({
    header: { size: header.type === undefined ? 1 : 0, ...header },
    body: header.type === undefined ? "x" : undefined,
  })));
}

async function refused(archive: Uint8Array, code: string, limits?: Parameters<typeof readTar>[1]) {
  const error = await readTar(archive, limits).catch((error) => error);
  assert(error instanceof ServerledgeError, "the archive was accepted");
  assert.equal(error.code, code);
  assert.equal(error.details?.path, "TarFunctionCode");
  assert(!error.message.includes("\n"));
  return error;
}

Deno.test("packTar: creates archives that readTar reads", async () => {
  const entries = [
    file("a.py"),
    { path: "lib", data: null, executable: false },
    file("lib/run.sh", "#!", true),
    file("z-empty", ""),
    file(`lib/${"long/".repeat(60)}name.py`),
    file(`${"n".repeat(200)}.py`),
    file("ü/ß.py"),
  ];
  const read = await readTar(await packTar(entries));
  const byPath = (a: ArchiveEntry, b: ArchiveEntry) => a.path < b.path ? -1 : 1;
  assert.deepEqual([...read].sort(byPath), [...entries].sort(byPath));
});

Deno.test("packTar: gives equal bytes for equal content in any order", async () => {
  const [a, b] = [file("a"), file("b")];
  assert.deepEqual(await packTar([a, b]), await packTar([b, a]));
});

Deno.test("readTar: accepts leading ./ and repeated directories", async () => {
  const archive = await crafted(
    { name: "./", type: "directory" },
    { name: "./lib/", type: "directory" },
    { name: "./lib/a.py" },
    { name: "lib", type: "directory" },
    { name: ".//b.py" },
  );
  assert.deepEqual((await readTar(archive)).map(({ path }) => path), ["lib", "lib/a.py", "b.py"]);
});

Deno.test("readTar: accepts a directory after its content", async () => {
  const archive = await crafted({ name: "a/b" }, { name: "a/", type: "directory" });
  assert.deepEqual((await readTar(archive)).map(({ path }) => path), ["a/b", "a"]);
});

Deno.test("readTar: rejects entries that leave their folder", async () => {
  for (const name of ["/etc/passwd", "../x", "a/../../x", "a/..", ".."]) {
    const error = await refused(await crafted({ name }), "UNPROCESSABLE");
    assert.equal(error.details?.entry, name);
  }
  for (
    const type of ["symlink", "link", "character-device", "block-device", "fifo"] as const
  ) {
    const archive = await crafted({ name: "x", type, linkname: "/etc/passwd" });
    assert.equal((await refused(archive, "UNPROCESSABLE")).details?.entry, "x");
  }
});

Deno.test("readTar: rejects entries that overwrite each other", async () => {
  await refused(await crafted({ name: "a" }, { name: "./a" }), "UNPROCESSABLE");
  await refused(await crafted({ name: "a" }, { name: "a/b" }), "UNPROCESSABLE");
  await refused(await crafted({ name: "a/b" }, { name: "a" }), "UNPROCESSABLE");
  await refused(await crafted({ name: "a" }, { name: "a", type: "directory" }), "UNPROCESSABLE");
});

Deno.test("readTar: rejects names that file systems do not accept", async () => {
  await refused(await crafted({ name: "n".repeat(256) }), "UNPROCESSABLE");
  await refused(await crafted({ name: "d/".repeat(1100) + "x" }), "UNPROCESSABLE");
});

Deno.test("readTar: rejects archives over the limits", async () => {
  const archive = await packTar([file("a", "12345"), file("b", "12345")]);
  await refused(archive, "PAYLOAD_TOO_LARGE", { maxEntries: 1, maxBytes: 100 });
  await refused(archive, "PAYLOAD_TOO_LARGE", { maxEntries: 2, maxBytes: 9 });
  assert.equal((await readTar(archive, { maxEntries: 2, maxBytes: 10 })).length, 2);
});

Deno.test("readTar: rejects truncated archives and other formats", async () => {
  const archive = await packTar([file("a.py", "x".repeat(2000))]);
  await refused(bytes("PK\x03\x04 something zipped"), "UNPROCESSABLE");
  await refused(bytes("x".repeat(5000)), "UNPROCESSABLE");
  await refused(new Uint8Array(), "UNPROCESSABLE");
  for (const end of [100, 600, 1536, 2600, archive.length - 600]) {
    await refused(archive.slice(0, end), "UNPROCESSABLE");
  }
});
