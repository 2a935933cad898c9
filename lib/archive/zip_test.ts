import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { zipBytes, type ZipPart } from "../../tests/support/functions/zip_bytes.ts";
import { archiveLimits, BadArchive } from "./entries.ts";
import { readZip } from "./zip.ts";

const text = "print('ok')\n".repeat(20);

async function read(archive: Uint8Array) {
  const entries = await readZip(archive, archiveLimits);
  return entries.map(({ path, data, executable }) => ({
    path,
    text: data && new TextDecoder().decode(data),
    executable,
  }));
}

async function refused(archive: Uint8Array | ZipPart, reason: RegExp): Promise<void> {
  const bytes = archive instanceof Uint8Array ? archive : zipBytes([archive]);
  await assert.rejects(readZip(bytes, archiveLimits), (error) => {
    assert.ok(error instanceof BadArchive, String(error));
    assert.match(error.message, reason);
    return true;
  });
}

Deno.test("readZip: returns content and mode of files", async () => {
  const archive = zipBytes([
    { name: "lib/", mode: 0o040755 },
    { name: "lib/a.py", text, mode: 0o100644, deflate: true },
    { name: "tool.sh", text: "#!", mode: 0o100755 },
    { name: "dos.sh", text: "#!" },
    { name: "piped.py", text, mode: 0o100644, deflate: true, descriptor: true },
    { name: "large.py", text, mode: 0o100700, deflate: true, zip64: true },
    { name: "empty", mode: 0o100644 },
  ], "a comment");
  assert.deepEqual(await read(archive), [
    { path: "lib", text: null, executable: false },
    { path: "lib/a.py", text, executable: false },
    { path: "tool.sh", text: "#!", executable: true },
    { path: "dos.sh", text: "#!", executable: false },
    { path: "piped.py", text, executable: false },
    { path: "large.py", text, executable: true },
    { path: "empty", text: "", executable: false },
  ]);
});

Deno.test("readZip: accepts backslashes as separators unless the archive was created on Unix", async () => {
  const name = "lib\\a.py";
  assert.equal((await read(zipBytes([{ name }])))[0]!.path, "lib/a.py");
  assert.equal((await read(zipBytes([{ name, mode: 0o100644 }])))[0]!.path, "lib\\a.py");
  await refused({ name: "..\\a.py" }, /"\.\.\/a\.py" has '\.\.' in its path/);
  await refused({ name: "C:\\a.py" }, /"C:\/a\.py" has an absolute path/);
});

Deno.test("readZip: rejects damaged archives with the entry", async () => {
  await refused(
    { name: "a.py", text, crc: 1 },
    /"a\.py" is corrupt: its CRC-32 is [0-9a-f]{8} inst/,
  );
  await refused({ name: "a.py", text, crc: 1, deflate: true }, /"a\.py" is corrupt: its CRC-32/);
  const packed = deflateRawSync(text);
  const name = "a.py";
  await refused({ name, text, deflate: true, packed: packed.subarray(0, 9) }, /"a\.py" is corrupt/);
  await refused({ name, text, deflate: true, size: 3 }, /"a\.py" has more than the 3 bytes/);
  await refused(
    { name, text, deflate: true, size: 999 },
    /"a\.py" has 240 bytes, but the central directory says 999/,
  );
  await refused({ name, text, localSize: 3 }, /"a\.py" has a header that differs/);
  await refused({ name, text, localName: "b.py" }, /"a\.py" has a header that differs/);
});

Deno.test("readZip: rejects truncated archives and bytes before or after them", async () => {
  const archive = zipBytes([{ name: "a.py", text }, { name: "b.py", text }]);
  for (let end = 4; end < archive.length; end += 7) {
    await refused(archive.slice(0, end), /^it is truncated/);
  }
  await refused(archive.slice(0, -1), /^it is truncated/);
  await refused(Uint8Array.of(...archive, 0), /^its comment is truncated, or data follows its end/);
  const shell = new TextEncoder().encode("#!/bin/sh\nexec unzip $0\n");
  await refused(Uint8Array.of(...shell, ...archive), /^it is a self-extracting archive/);
  await refused(archive.slice(10), /^it is/);
  await refused(shell, /^it is not a ZIP archive$/);
  await refused(new Uint8Array(), /^it is not a ZIP archive$/);
});

Deno.test("readZip: rejects unsupported entries by name", async () => {
  await refused({ name: "a", text: "b", mode: 0o120777 }, /"a" is a symbolic link: only files and/);
  await refused({ name: "a", mode: 0o010644 }, /"a" is a pipe/);
  await refused(
    { name: "a", text, flags: 1 },
    /"a" is encrypted: create the archive without a password/,
  );
  await refused({ name: "a", text, method: 93 }, /"a" is compressed with Zstandard: only Deflate/);
  await refused({ name: "/etc/passwd" }, /has an absolute path/);
  await refused({ name: "a/../../b" }, /has '\.\.' in its path/);
  await refused(zipBytes([{ name: "a" }, { name: "./a" }]), /"\.\/a" occurs twice/);
  await refused(zipBytes([{ name: "a" }, { name: "a/b" }]), /is below the file "a"/);
});

Deno.test("readZip: rejects overlapping entries", async () => {
  const archive = zipBytes([{ name: "a.py", text }, { name: "a.py", text }]);
  // The second entry of the directory gets the offset of the first.
  const at = archive.length - 22 - 46 - 4 + 42;
  archive.set([0, 0, 0, 0], at);
  await refused(archive, /"a\.py" overlaps another entry/);
});

Deno.test("readZip: checks limits before it extracts anything", async () => {
  const archive = zipBytes([{ name: "a", text }, { name: "b", text }]);
  const isTooLarge = (error: unknown) => error instanceof BadArchive && error.tooLarge;
  await assert.rejects(readZip(archive, { maxEntries: 1, maxBytes: 1000 }), isTooLarge);
  await assert.rejects(readZip(archive, { maxEntries: 2, maxBytes: 479 }), isTooLarge);
  assert.equal((await readZip(archive, { maxEntries: 2, maxBytes: 480 })).length, 2);
});
