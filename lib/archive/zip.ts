/**
 * Reader of ZIP archives by their central directory. Sizes and names must agree with the local headers, and
 * the checksum of every file is verified.
 *
 * Format: PKWARE APPNOTE.TXT 6.3.10; section numbers refer to it.
 *
 * @module
 */

import type { ReserveMemory } from "../base/reserve_memory.ts";
import { ServerledgeError } from "../base/errors.ts";
import { inSlices } from "../base/slices.ts";
import {
  type ArchiveEntry,
  type ArchiveLimits,
  ArchiveMeter,
  ArchivePaths,
  BadArchive,
  refuseEntry,
} from "./entries.ts";
import { readDirectory, type ZipEntry } from "./zip_directory.ts";

const localHeaderBytes = 30;

/** Bytes checked in one slice. */
const checkedBytes = 4 << 20;

/**
 * Reads a ZIP archive.
 *
 * @param archive its bytes
 * @param limits limits of its content
 * @param reserve reserves memory for the extracted files
 * @returns its entries in the order of its directory
 * @throws {BadArchive} with the entry that cannot be extracted
 */
export async function readZip(
  archive: Uint8Array,
  limits: ArchiveLimits,
  reserve: ReserveMemory = () => {},
): Promise<ArchiveEntry[]> {
  const { entries, start } = readDirectory(archive, limits.maxEntries);
  const meter = new ArchiveMeter(limits);
  for (const { size } of entries) meter.add(size);
  const contents = packedContents(archive, entries, start);
  const paths = new ArchivePaths(limits);
  const unpacked: ArchiveEntry[] = [];
  for (const entry of entries) {
    const type = typeOf(entry);
    const path = paths.add(entry.name, type);
    if (type === "directory" && entry.size > 0) {
      refuseEntry(entry.name, "is a directory with content");
    }
    if (path === undefined) continue;
    const data = type === "file" ? await unpack(entry, contents.get(entry)!, reserve) : null;
    const executable = data !== null && ((entry.unixMode ?? 0) & 0o100) !== 0;
    unpacked.push({ path, data, executable });
  }
  return unpacked;
}

/** Bits of a Unix mode for the type of a file. */
const fileTypes: Readonly<Record<number, string>> = {
  0o010000: "is a pipe",
  0o020000: "is a device",
  0o060000: "is a device",
  0o120000: "is a symbolic link",
  0o140000: "is a socket",
};

function typeOf({ name, unixMode = 0, isDosFolder }: ZipEntry): "file" | "directory" {
  const bits = unixMode & 0o170000;
  const problem = fileTypes[bits];
  if (problem) refuseEntry(name, `${problem}: only files and directories are accepted`);
  return bits === 0o040000 || isDosFolder || name.endsWith("/") ? "directory" : "file";
}

/** Locates the compressed bytes of each entry; overlapping entries are rejected. */
function packedContents(
  archive: Uint8Array,
  entries: readonly ZipEntry[],
  end: number,
): Map<ZipEntry, Uint8Array> {
  const contents = new Map<ZipEntry, Uint8Array>();
  let free = 0;
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (entry.offset < free) refuseEntry(entry.name, "overlaps another entry");
    const from = contentStart(archive, entry, end);
    free = from + entry.packedSize;
    if (free > end) refuseEntry(entry.name, "is truncated");
    contents.set(entry, archive.subarray(from, free));
  }
  return contents;
}

/** Checks the local header of an entry (4.3.7) against the directory. */
function contentStart(archive: Uint8Array, entry: ZipEntry, end: number): number {
  const { name, rawName, offset } = entry;
  const differs = () => refuseEntry(name, "has a header that differs from the central directory");
  if (offset + localHeaderBytes > end) refuseEntry(name, "is truncated");
  const view = new DataView(archive.buffer, archive.byteOffset + offset, localHeaderBytes);
  if (view.getUint32(0, true) !== 0x04034b50) {
    refuseEntry(name, "is not where the central directory says: the archive is corrupt");
  }
  const [flags, method] = [view.getUint16(6, true), view.getUint16(8, true)];
  if (method !== entry.method || ((flags ^ entry.flags) & 1) !== 0) differs();
  // With bit 3 (4.4.4) the sizes follow the content.
  if ((flags & 8) === 0) {
    const [crc, packed, size] = [14, 18, 22].map((at) => view.getUint32(at, true));
    const same = (local: number, known: number) => local === 0xffffffff || local === known;
    if (crc !== entry.crc || !same(packed!, entry.packedSize) || !same(size!, entry.size)) {
      differs();
    }
  }
  const nameEnd = offset + localHeaderBytes + view.getUint16(26, true);
  const localName = archive.subarray(offset + localHeaderBytes, nameEnd);
  const sameName = localName.length === rawName.length &&
    localName.every((byte, at) => byte === rawName[at]);
  if (!sameName) differs();
  return nameEnd + view.getUint16(28, true);
}

async function unpack(
  entry: ZipEntry,
  packed: Uint8Array,
  reserve: ReserveMemory,
): Promise<Uint8Array> {
  const { crc32 } = await import("node:zlib");
  const { name, size, crc } = entry;
  const data = entry.method === 0 ? packed : await inflated(entry, packed, reserve);
  if (data.length !== size) {
    refuseEntry(name, `has ${data.length} bytes, but the central directory says ${size}`);
  }
  let found = 0;
  let at = 0;
  await inSlices(() => {
    found = crc32(data.subarray(at, at += checkedBytes), found);
    return at >= data.length;
  });
  if (found === crc) return data;
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  return refuseEntry(name, `is corrupt: its CRC-32 is ${hex(found)} instead of ${hex(crc)}`);
}

async function inflated(
  { name, size }: ZipEntry,
  packed: Uint8Array,
  reserve: ReserveMemory,
): Promise<Uint8Array> {
  const { inflate } = await import("./inflate.ts");
  try {
    return await inflate(packed, "deflate-raw", {
      maxBytes: size,
      expected: size,
      reserve,
    });
  } catch (error) {
    if (error instanceof BadArchive) {
      return refuseEntry(name, `has more than the ${size} bytes that the central directory says`);
    }
    if (error instanceof ServerledgeError) throw error;
    return refuseEntry(name, `is corrupt: ${(error as Error).message}`);
  }
}
