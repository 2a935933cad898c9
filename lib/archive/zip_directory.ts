/**
 * Central directory of a ZIP archive.
 *
 * @module
 */

import { BadArchive, decodeName, refuseEntry, tooMany } from "./entries.ts";

/** Entry of the directory. */
export interface ZipEntry {
  /** Path, separated by slashes. */
  readonly name: string;
  /** Bytes of the name, for comparison with the local header. */
  readonly rawName: Uint8Array;
  /** General purpose flags (4.4.4). */
  readonly flags: number;
  /** Compression method; 0: stored, 8: deflated. */
  readonly method: number;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** Compressed size, bytes. */
  readonly packedSize: number;
  /** Size of the content, bytes. */
  readonly size: number;
  /** Offset of the local header. */
  readonly offset: number;
  /** Unix mode, if the archive was created on Unix. */
  readonly unixMode: number | undefined;
  /** True if MS-DOS attributes mark it as a folder. */
  readonly isDosFolder: boolean;
}

const directoryEndBytes = 22;
const maxCommentBytes = 0xffff;
const entryBytes = 46;

/** Host systems with Unix modes (4.4.2): Unix, and macOS for some archivers. */
const unixSystems = [3, 19];

/** Unsupported compression methods (4.4.5). */
const otherMethods: Readonly<Record<number, string>> = {
  1: "Shrink",
  6: "Implode",
  9: "Deflate64",
  12: "BZIP2",
  14: "LZMA",
  93: "Zstandard",
  95: "XZ",
  98: "PPMd",
};

/**
 * Reads the directory of an archive.
 *
 * @param archive the whole archive
 * @param maxEntries maximum number of entries
 * @returns its entries and the offset of the directory
 * @throws {BadArchive} if it is missing or inconsistent, or an entry cannot be extracted
 */
export function readDirectory(
  archive: Uint8Array,
  maxEntries: number,
): { entries: ZipEntry[]; start: number } {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
  const { count, size, offset, end } = readDirectoryEnd(view);
  const start = end - size;
  const inFront = start - offset;
  const begin = archive.length >= 4 ? view.getUint32(0, true) : 0;
  const beginsWithEntry = begin === 0x04034b50 || (count === 0 && start === 0);
  if (inFront > 0 || (inFront === 0 && !beginsWithEntry)) {
    throw new BadArchive(
      "it is a self-extracting archive, or has data before its first entry; unpack it and pack only the files",
    );
  }
  if (start < 0 || inFront < 0) throw cut();
  const entries: ZipEntry[] = [];
  let at = start;
  while (at < end) {
    if (at + entryBytes > end || view.getUint32(at, true) !== 0x02014b50) throw damaged();
    const next = at + entryBytes +
      [28, 30, 32].reduce((sum, f) => sum + view.getUint16(at + f, true), 0);
    if (next > end) throw damaged();
    if (entries.length === maxEntries) throw tooMany(maxEntries);
    entries.push(readEntry(archive, view, at));
    at = next;
  }
  if (entries.length !== count) throw damaged();
  return { entries, start };
}

/** Reads the end record (4.3.16), or that of ZIP64 before it (4.3.14). */
function readDirectoryEnd(view: DataView) {
  const at = findDirectoryEnd(view);
  const fields = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
    end: at,
  };
  const hasLocator = at >= 20 && view.getUint32(at - 20, true) === 0x07064b50;
  const [disk, directoryDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const isSplit = hasLocator ? view.getUint32(at - 4, true) > 1 : disk !== 0 || directoryDisk !== 0;
  if (isSplit) throw new BadArchive("it is one part of a split archive; join the parts first");
  if (!hasLocator) return fields;
  const record = large(view, at - 12);
  if (record + 56 > at - 20 || view.getUint32(record, true) !== 0x06064b50) throw damaged();
  return {
    count: large(view, record + 32),
    size: large(view, record + 40),
    offset: large(view, record + 48),
    end: record,
  };
}

/** Finds the last end record that extends exactly to the end, including its comment. */
function findDirectoryEnd(view: DataView): number {
  const last = view.byteLength - directoryEndBytes;
  let behind = false;
  for (let at = last; at >= Math.max(0, last - maxCommentBytes); at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue;
    if (view.getUint16(at + 20, true) === last - at) return at;
    behind = true;
  }
  if (behind) throw new BadArchive("its comment is truncated, or data follows its end");
  const isZip = view.byteLength >= 4 && view.getUint32(0, true) === 0x04034b50;
  throw isZip ? cut() : new BadArchive("it is not a ZIP archive");
}

function readEntry(archive: Uint8Array, view: DataView, at: number): ZipEntry {
  const u16 = (offset: number) => view.getUint16(at + offset, true);
  const u32 = (offset: number) => view.getUint32(at + offset, true);
  const [flags, method, system, attributes] = [u16(8), u16(10), u16(4) >> 8, u32(38)];
  const nameEnd = at + entryBytes + u16(28);
  const rawName = archive.subarray(at + entryBytes, nameEnd);
  const isUnix = unixSystems.includes(system);
  // Some archivers on Windows write backslashes, although 4.4.17 requires slashes.
  const name = isUnix ? decodeName(rawName) : decodeName(rawName).replaceAll("\\", "/");
  if ((flags & 0x2041) !== 0) {
    refuseEntry(name, "is encrypted: create the archive without a password");
  }
  if (method !== 0 && method !== 8) {
    const other = otherMethods[method] ?? `method ${method}`;
    refuseEntry(name, `is compressed with ${other}: only Deflate is accepted`);
  }
  if (!isUnix && /^[A-Za-z]:/.test(name)) refuseEntry(name, "has an absolute path");
  const extra = new DataView(archive.buffer, archive.byteOffset + nameEnd, u16(30));
  const sizes = { size: u32(24), packedSize: u32(20), offset: u32(42) };
  return {
    name,
    rawName,
    flags,
    method,
    crc: u32(16),
    ...withLargeSizes(sizes, extra, name),
    unixMode: isUnix ? attributes >>> 16 : undefined,
    isDosFolder: (attributes & 0x10) !== 0,
  };
}

/** Reads values beyond 32 bits from the extra field (4.5.3), in this order. */
function withLargeSizes<T extends { size: number; packedSize: number; offset: number }>(
  sizes: T,
  extra: DataView,
  name: string,
): T {
  const missing = (["size", "packedSize", "offset"] as const)
    .filter((key) => sizes[key] === 0xffffffff);
  if (missing.length === 0) return sizes;
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    if (id === 1 && length >= 8 * missing.length && at + 4 + length <= extra.byteLength) {
      return {
        ...sizes,
        ...Object.fromEntries(missing.map((key, i) => [key, large(extra, at + 4 + 8 * i)])),
      };
    }
    at += 4 + length;
  }
  return refuseEntry(name, "has no size in the archive's central directory");
}

/** Reads 64 bits; values beyond 2^53 exceed any archive in memory. */
function large(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function cut(): BadArchive {
  return new BadArchive("it is truncated: its central directory is missing or incomplete");
}

function damaged(): BadArchive {
  return new BadArchive("it is corrupt: its central directory is inconsistent");
}
