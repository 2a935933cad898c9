/**
 * Code archives: TAR as clients send it and as the registry keeps it.
 *
 * @module
 */

import { packTar as pack, type TarHeader, unpackTar } from "modern-tar";
import { ServerledgeError } from "../base/errors.ts";

/** What an archive may hold at most. */
export interface ArchiveLimits {
  /** Files and directories together. */
  readonly maxEntries: number;
  /** Sum of all files' sizes. */
  readonly maxBytes: number;
}

/** Generous for a function, small enough to be unpacked on an edge device. */
export const archiveLimits: ArchiveLimits = { maxEntries: 20_000, maxBytes: 1 << 30 };

/** Longest name of a file on the file systems that archives are unpacked on, bytes. */
const maxNameBytes = 255;
/** Longest path inside an archive, bytes; leaves room for the folder it is unpacked to. */
const maxPathBytes = 2048;

/** One file or directory of an archive. */
export interface ArchiveEntry {
  /** Relative, parts separated by single slashes, without `.` and `..`. */
  readonly path: string;
  /** Content of a file; null for a directory. */
  readonly data: Uint8Array | null;
  /** True for a file that its owner may execute. */
  readonly executable: boolean;
}

/**
 * Reads a TAR archive (ustar, GNU long names, pax). Only what can be unpacked without leaving its
 * folder and without one entry undoing another is accepted.
 *
 * @param archive the bytes of the archive, not compressed
 * @param limits what it may hold at most
 * @returns its entries, in the archive's order; each directory that is named at most once
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, with the bad entry in its details
 */
export async function readTar(
  archive: Uint8Array,
  limits: ArchiveLimits = archiveLimits,
): Promise<ArchiveEntry[]> {
  const paths = new Paths();
  let bytes = 0;
  let count = 0;
  // The filter sees a header before its content is copied.
  const accept = (header: TarHeader) => {
    bytes += header.size;
    if (++count > limits.maxEntries) tooLarge(`more than ${limits.maxEntries} entries`);
    if (bytes > limits.maxBytes) tooLarge(`more than ${limits.maxBytes} bytes of files`);
    return paths.add(header);
  };
  try {
    const unpacked = await unpackTar(archive, { strict: true, filter: accept });
    return unpacked.map(({ header, data }) => ({
      path: normalize(header.name),
      data: data ?? null,
      executable: data !== undefined && ((header.mode ?? 0) & 0o100) !== 0,
    }));
  } catch (cause) {
    if (cause instanceof ServerledgeError) throw cause;
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `TarFunctionCode: the code is not a readable TAR archive: ${(cause as Error).message}`,
      { cause, details: { path: "TarFunctionCode" } },
    );
  }
}

/**
 * Makes a TAR archive. Equal content makes equal bytes: entries are sorted, and carry no time and
 * no owner.
 *
 * @param entries what goes in; paths as {@link ArchiveEntry} wants them
 */
export async function packTar(entries: readonly ArchiveEntry[]): Promise<Uint8Array> {
  const sorted = [...entries].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return await pack(sorted.map(({ path, data, executable }) => ({
    header: {
      name: data ? path : `${path}/`,
      size: data?.length ?? 0,
      type: data ? "file" as const : "directory" as const,
      mode: !data || executable ? 0o755 : 0o644,
      mtime: new Date(0),
    },
    body: data ?? undefined,
  })));
}

/**
 * What an archive is called in the registry and on disk.
 *
 * @param archive the bytes of the archive
 * @returns its SHA-256 in lower-case hex
 */
export async function hashArchive(archive: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", archive as Uint8Array<ArrayBuffer>);
  return new Uint8Array(digest).toHex();
}

/** The paths seen so far, and what they are. */
class Paths {
  readonly #kinds = new Map<string, "file" | "directory" | "parent">();

  /** @returns false for what is to be skipped: the root, and a directory that was named before */
  add({ name, type, pax }: TarHeader): boolean {
    if (type !== "file" && type !== "directory") {
      refuse(name, `is a ${type}: only files and directories are accepted`);
    }
    if (Object.keys(pax ?? {}).some((key) => key.startsWith("GNU.sparse."))) {
      refuse(name, "is a sparse file: archive it without --sparse");
    }
    const path = checked(name);
    if (path === "") return type === "directory" ? false : refuse(name, "has no name");
    this.#addParents(name, path);
    const known = this.#kinds.get(path);
    if (type === "file" && known) refuse(name, "appears twice");
    if (type === "directory" && known === "file") refuse(name, "is a file and a directory");
    this.#kinds.set(path, type);
    return known !== "directory";
  }

  #addParents(name: string, path: string): void {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
      const parent = path.slice(0, at);
      const known = this.#kinds.get(parent);
      if (known === "file") refuse(name, `is below the file ${JSON.stringify(parent)}`);
      if (!known) this.#kinds.set(parent, "parent");
    }
  }
}

function checked(name: string): string {
  if (name.startsWith("/")) refuse(name, "has an absolute path");
  if (name.includes("\0")) refuse(name, "has a NUL in its path");
  if (name.split("/").includes("..")) refuse(name, "has '..' in its path");
  const path = normalize(name);
  const size = (text: string) => new TextEncoder().encode(text).length;
  if (size(path) > maxPathBytes || path.split("/").some((part) => size(part) > maxNameBytes)) {
    refuse(`${name.slice(0, maxNameBytes)}...`, "has too long a path");
  }
  return path;
}

function normalize(name: string): string {
  return name.split("/").filter((part) => part !== "" && part !== ".").join("/");
}

function refuse(entry: string, problem: string): never {
  throw new ServerledgeError(
    "UNPROCESSABLE",
    `TarFunctionCode: the archive's entry ${JSON.stringify(entry)} ${problem}`,
    { details: { path: "TarFunctionCode", entry } },
  );
}

function tooLarge(problem: string): never {
  throw new ServerledgeError("PAYLOAD_TOO_LARGE", `TarFunctionCode: the archive has ${problem}`, {
    details: { path: "TarFunctionCode" },
  });
}
