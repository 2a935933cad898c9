/**
 * Reader of TAR archives in the formats v7, ustar, GNU and pax. Owners and times are ignored.
 *
 * Formats: POSIX.1-2017 `pax`, "ustar Interchange Format" and "pax Header Block"; GNU tar manual,
 * "Basic Tar Format".
 *
 * @module
 */

import { inSlices } from "../base/slices.ts";
import {
  type ArchiveEntry,
  type ArchiveLimits,
  ArchiveMeter,
  ArchivePaths,
  BadArchive,
  decodeName,
  refuseEntry,
} from "./entries.ts";

const blockBytes = 512;
/** Duration of one slice, ms. */
const sliceMs = 4;
/** Maximum size of an extended header, bytes, and maximum number of its records. */
const maxOverrideBytes = 1 << 20;
const maxRecords = 10_000;

/** Fields of a header block. */
interface Header {
  /** Name for messages, which an extended header may override. */
  readonly name: string;
  /** Bytes of the name; may end within a character if an extended header overrides it. */
  readonly rawName: Uint8Array;
  readonly typeFlag: string;
  readonly mode: number;
  readonly size: number;
}

/** Values from extended headers. */
interface Overrides {
  /** Records of pax headers: for the next entry, and for all that follow. */
  local: Map<string, string>;
  readonly global: Map<string, string>;
  /** Name from a GNU long-name header. */
  longName: string | undefined;
}

/** Unsupported entries by type flag. */
const otherTypes: Readonly<Record<string, string>> = {
  "1": "is a hard link",
  "2": "is a symbolic link",
  "3": "is a device",
  "4": "is a device",
  "6": "is a pipe",
  "S": "is a sparse file: create the archive without --sparse",
  "M": "continues a file from another volume",
};

/**
 * Reads a TAR archive in slices.
 *
 * @param archive its bytes, not compressed
 * @param limits limits of its content
 * @returns its entries in order; their content consists of views of `archive`
 * @throws {BadArchive} with the entry that cannot be extracted
 */
export async function readTarEntries(
  archive: Uint8Array,
  limits: ArchiveLimits,
): Promise<ArchiveEntry[]> {
  const reading = reader(archive, limits);
  let entries: ArchiveEntry[] = [];
  await inSlices(() => {
    const until = performance.now() + sliceMs;
    while (performance.now() < until) {
      const { done, value } = reading.next();
      if (done) {
        entries = value;
        return true;
      }
    }
    return false;
  });
  return entries;
}

/** Iterates over the headers. */
function* reader(
  archive: Uint8Array,
  limits: ArchiveLimits,
): Generator<undefined, ArchiveEntry[]> {
  const paths = new ArchivePaths(limits);
  const meter = new ArchiveMeter(limits);
  const entries: ArchiveEntry[] = [];
  const overrides: Overrides = { local: new Map(), global: new Map(), longName: undefined };
  for (let at = 0;;) {
    yield;
    const block = archive.subarray(at, at + blockBytes);
    if (block.length < blockBytes) {
      throw new BadArchive("it is truncated: its end marker is missing");
    }
    if (block.every((byte) => byte === 0)) return entries;
    const header = withOverrides(readHeader(block), overrides);
    at += blockBytes;
    const end = at + (hasContent(header) ? header.size : 0);
    if (end > archive.length) {
      throw new BadArchive(`it is truncated in ${JSON.stringify(header.name)}`);
    }
    const content = archive.subarray(at, end);
    at = Math.ceil(end / blockBytes) * blockBytes;
    if (takeOverride(header, content, overrides)) continue;
    const entry = toEntry(header, content, overrides, paths);
    meter.add(entry?.data?.length ?? 0);
    if (entry) entries.push(entry);
    overrides.local = new Map();
    overrides.longName = undefined;
  }
}

/** @returns undefined for entries to skip */
function toEntry(
  header: Header,
  content: Uint8Array,
  { local, global }: Overrides,
  paths: ArchivePaths,
): ArchiveEntry | undefined {
  const { name, typeFlag, mode } = header;
  if (typeFlag === "V") return undefined; // label of a volume
  const problem = otherTypes[typeFlag];
  if (problem) refuseEntry(name, `${problem}${problem.includes(":") ? "" : notTaken}`);
  if (local.has(sparse) || global.has(sparse)) refuseEntry(name, otherTypes.S!);
  if (!fileTypes.includes(typeFlag)) refuseEntry(name, `has the unknown type "${typeFlag}"`);
  const isDirectory = typeFlag === "5" || typeFlag === "D" || isOldDirectory(header);
  const path = paths.add(name, isDirectory ? "directory" : "file");
  if (path === undefined) return undefined;
  if (isDirectory) return { path, data: null, executable: false };
  return { path, data: content, executable: (mode & 0o100) !== 0 };
}

const notTaken = ": only files and directories are accepted";

/** Type flags of files (`7`: contiguous, NUL: v7) and directories (`D`: GNU dump). */
const fileTypes = ["0", "\0", "7", "5", "D"];

/** The format v7 has no type for directories. */
function isOldDirectory({ name, typeFlag }: Header): boolean {
  return (typeFlag === "\0" || typeFlag === "0") && name.endsWith("/");
}

/** Some archivers write a size for links and directories, although no content follows. */
function hasContent({ typeFlag }: Header): boolean {
  return !"123456".includes(typeFlag);
}

/** @returns true if the entry is an extended header */
function takeOverride(header: Header, content: Uint8Array, overrides: Overrides): boolean {
  if ("xXgLK".includes(header.typeFlag) && content.length > maxOverrideBytes) {
    throw new BadArchive(`it has a header longer than ${maxOverrideBytes} bytes`);
  }
  switch (header.typeFlag) {
    case "x":
    case "X":
      overrides.local = readPax(content);
      return true;
    case "g":
      for (const [key, value] of readPax(content)) overrides.global.set(key, value);
      return true;
    case "L":
      overrides.longName = decodeName(upToNul(content));
      return true;
    case "K": // name of a link's target
      return true;
    default:
      return false;
  }
}

function withOverrides(header: Header, { local, global, longName }: Overrides): Header {
  if ("xXgLK".includes(header.typeFlag)) return header;
  const record = (key: string) => local.get(key) ?? global.get(key);
  const name = record("path") || longName || decodeName(header.rawName);
  const size = record("size") || String(header.size);
  if (!/^\d{1,15}$/.test(size)) refuseEntry(name, "has an invalid size");
  return { ...header, name, size: Number(size) };
}

function readHeader(block: Uint8Array): Header {
  checkSum(block);
  const magic = latin1(block, 257, 6);
  // The GNU magic has a space here, and the GNU format has times instead of a prefix.
  const isPosix = magic === "ustar\0";
  const prefixBytes = latin1(block, 508, 4) === "tar\0" ? 131 : 155;
  const prefix = isPosix ? upToNul(block.subarray(345, 345 + prefixBytes)) : new Uint8Array();
  const shortName = upToNul(block.subarray(0, 100));
  const rawName = prefix.length === 0 ? shortName : Uint8Array.of(...prefix, 0x2f, ...shortName);
  const name = new TextDecoder().decode(rawName);
  return {
    name,
    rawName,
    typeFlag: latin1(block, 156, 1),
    mode: number(block, 100, 8, name, "mode"),
    size: number(block, 124, 12, name, "size"),
  };
}

/** Verifies the checksum; old archivers summed signed bytes. */
function checkSum(block: Uint8Array): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < block.length; at++) {
    const value = at >= 148 && at < 156 ? 32 : block[at]!;
    unsigned += value;
    signed += value << 24 >> 24;
  }
  const stored = octal(latin1(block, 148, 8));
  if (stored !== unsigned && stored !== signed) {
    throw new BadArchive("it has a header with a wrong checksum");
  }
}

/** Reads a number in octal digits, or in base 256 if the first bit is set. */
function number(block: Uint8Array, at: number, length: number, entry: string, what: string) {
  const field = block.subarray(at, at + length);
  const value = (field[0]! & 0x80) === 0
    ? octal(latin1(block, at, length))
    : field.reduce((sum, byte, index) => sum * 256 + (index === 0 ? byte & 0x7f : byte), 0);
  if (Number.isSafeInteger(value)) return value!;
  return refuseEntry(entry, `has an invalid ${what}`);
}

/** @returns 0 for an empty field; undefined if the field is no octal number */
function octal(field: string): number | undefined {
  const digits = /^[ \0]*([0-7]*)(?:[ \0]|$)/.exec(field)?.[1];
  if (digits === undefined) return undefined;
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** Prefix of records about sparse files. */
const sparse = "GNU.sparse.";

/** Reads records of the form `LENGTH KEY=VALUE\n`; an empty value removes a record, unknown keys are ignored. */
function readPax(content: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  let count = 0;
  for (let at = 0; at < content.length && content[at] !== 0;) {
    const space = content.indexOf(0x20, at);
    const digits = space < 0 ? "" : latin1(content, at, Math.min(space - at, 16));
    const end = at + (/^\d{1,15}$/.test(digits) ? Number(digits) : 0);
    const equals = content.indexOf(0x3d, space);
    if (end > content.length || equals < space || equals >= end || content[end - 1] !== 0x0a) {
      throw new BadArchive("it has a corrupt pax header");
    }
    if (++count > maxRecords) {
      throw new BadArchive(`it has a header with more than ${maxRecords} records`);
    }
    const key = decodeName(content.subarray(space + 1, equals));
    const value = content.subarray(equals + 1, end - 1);
    if (key === "path" || key === "size") records.set(key, decodeName(value));
    else if (key.startsWith(sparse)) records.set(sparse, "");
    at = end;
  }
  return records;
}

function upToNul(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

function latin1(block: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...block.subarray(at, at + length));
}
