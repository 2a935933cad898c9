import assert from "node:assert/strict";
import { archiveLimits, BadArchive } from "./entries.ts";
import { readTarEntries } from "./tar.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Creates a header block; `fields` are [offset, bytes]. */
function block(name: string, type: string, size: number, fields: [number, Uint8Array][] = []) {
  const header = new Uint8Array(512);
  const put = (at: number, text: string) => header.set(encode(text), at);
  put(0, name);
  put(100, "0000644\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(156, type);
  put(257, "ustar\x0000");
  for (const [at, bytes] of fields) header.set(bytes, at);
  put(148, " ".repeat(8));
  const sum = header.reduce((sum, byte) => sum + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}

function archiveOf(...blocks: Uint8Array[]): Uint8Array {
  const parts = [...blocks, new Uint8Array(1024)];
  return Uint8Array.from(parts.flatMap((part) => {
    return [...part, ...new Uint8Array((512 - part.length % 512) % 512)];
  }));
}

/** Creates an archive of one file with the content "x". */
function withFields(...fields: [number, Uint8Array][]): Uint8Array {
  return archiveOf(block("a.py", "0", 1, fields), encode("x"));
}

function read(archive: Uint8Array) {
  return readTarEntries(archive, archiveLimits);
}

async function refused(archive: Uint8Array, reason: RegExp): Promise<void> {
  await assert.rejects(read(archive), (error) => {
    assert.ok(error instanceof BadArchive, String(error));
    assert.match(error.message, reason);
    return true;
  });
}

const times = { mtime: 136, atime: 345, ctime: 357 };
const base256 = (value: number) => {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setBigInt64(4, BigInt(value));
  bytes.fill(value < 0 ? 0xff : 0, 0, 4);
  bytes[0] = value < 0 ? 0xff : 0x80;
  return bytes;
};
const gnu: [number, Uint8Array] = [257, encode("ustar  \0")];

Deno.test("readTar: ignores times and owners of any form", async () => {
  const cases: [number, Uint8Array][][] = [
    [[times.mtime, base256(-43_200)]],
    [[times.mtime, new Uint8Array(12)]],
    [[times.mtime, encode("            ")]],
    [[times.mtime, encode("-0000012345\0")]],
    [gnu, [times.atime, base256(-1)], [times.ctime, encode("14000000000\0")]],
    [[108, base256(3_000_000_000).slice(4)], [116, encode("99999999")]],
  ];
  for (const fields of cases) {
    const [entry] = await read(withFields(...fields));
    assert.deepEqual([entry!.path, entry!.data], ["a.py", encode("x")]);
  }
});

Deno.test("readTar: accepts sizes in octal and base 256 only", async () => {
  const size = (bytes: Uint8Array) => withFields([124, bytes]);
  for (const one of ["00000000001\0", "          1 ", "1\0\0\0\0\0\0\0\0\0\0\0", "000000000001"]) {
    assert.equal((await read(size(encode(one))))[0]!.data!.length, 1, one);
  }
  assert.equal((await read(size(base256(1))))[0]!.data!.length, 1);
  await refused(size(base256(-1)), /"a\.py" has an invalid size/);
  await refused(size(encode("0000000000x\0")), /"a\.py" has an invalid size/);
  await refused(size(base256(5000)), /is truncated in "a\.py"/);
});

Deno.test("readTar: reads names from all places of the formats", async () => {
  const pax = (record: string) => {
    const line = ` ${record}\n`;
    const length = line.length + String(line.length + 2).length;
    return encode(`${length}${line}`);
  };
  const content = encode("x");
  const path = pax("path=long/name.py");
  assert.equal((await read(withFields([345, encode("folder")])))[0]!.path, "folder/a.py");
  const named = (...front: Uint8Array[]) => read(archiveOf(...front, block("b", "0", 1), content));
  // A name that an extended header overrides may end within a character.
  const cutName = block("b", "0", 1, [[0, Uint8Array.of(0x62, 0xc3)]]);
  const long = archiveOf(block("x", "x", path.length), path, cutName, content);
  assert.equal((await read(long))[0]!.path, "long/name.py");
  assert.equal((await named(block("L", "L", 7), encode("c/d.py\0")))[0]!.path, "c/d.py");
  await refused(archiveOf(cutName, content), /has a name that is not valid UTF-8/);
  const sparse = pax("GNU.sparse.major=1");
  const inFront = [block("x", "x", sparse.length), sparse];
  await assert.rejects(named(...inFront), /is a sparse file/);
  await assert.rejects(named(block("x", "x", 5), encode("99 a=")), /a corrupt pax header/);
});

Deno.test("readTar: rejects other types than files and directories by name", async () => {
  const typed = (type: string) => archiveOf(block("a", type, 0));
  await refused(typed("1"), /"a" is a hard link: only files and directories are accepted/);
  await refused(typed("2"), /"a" is a symbolic link/);
  await refused(typed("S"), /"a" is a sparse file: create the archive without --sparse$/);
  await refused(typed("Z"), /"a" has the unknown type "Z"/);
  assert.deepEqual(await read(typed("V")), []);
  assert.equal((await read(archiveOf(block("old/", "\0", 0))))[0]!.data, null);
});
