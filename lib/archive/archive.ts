/**
 * Code archives in TAR, the format of the registry.
 *
 * @module
 */

import { packTar as pack } from "modern-tar";
import { ServerledgeError } from "../base/errors.ts";
import { type ArchiveEntry, type ArchiveLimits, archiveLimits, BadArchive } from "./entries.ts";
import { readTarEntries } from "./tar.ts";

/**
 * Reads a TAR archive in slices. Entries that leave their folder or overwrite others are rejected.
 *
 * @param archive bytes of the archive, not compressed
 * @param limits limits of its content
 * @returns its entries in order, each directory at most once
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, with the entry in its details
 */
export async function readTar(
  archive: Uint8Array,
  limits: ArchiveLimits = archiveLimits,
): Promise<ArchiveEntry[]> {
  try {
    return await readTarEntries(archive, limits);
  } catch (error) {
    throw archiveError(error, "TAR");
  }
}

/**
 * Converts an error of an archive reader to a coded error.
 *
 * @returns `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`; errors other than {@link BadArchive} are returned unchanged
 */
export function archiveError(thrown: unknown, format: string): unknown {
  if (!(thrown instanceof BadArchive)) return thrown;
  const { message, entry, tooLarge } = thrown;
  const path = "TarFunctionCode";
  return new ServerledgeError(
    tooLarge ? "PAYLOAD_TOO_LARGE" : "UNPROCESSABLE",
    `${path}: cannot use the ${format} archive: ${message}`,
    { cause: thrown, details: entry === undefined ? { path } : { path, entry } },
  );
}

/**
 * Creates a TAR archive. Equal content gives equal bytes: entries are sorted and have neither time nor owner.
 *
 * @param entries its entries
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const data = new TextEncoder().encode("def handler(params, context): return params\n");
 * const archive = await packTar([{ path: "hello.py", data, executable: false }]);
 * const [entry] = await readTar(archive);
 * assert(entry?.path === "hello.py" && entry.data?.length === data.length);
 * ```
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
 * Returns the name of an archive in the registry and on disk.
 *
 * @param archive bytes of the archive
 * @returns its SHA-256 in lower-case hex
 */
export async function hashArchive(archive: Uint8Array): Promise<string> {
  if (archive.length > hashedAtOnce) {
    const { sha256 } = await import("../base/digest.ts");
    return await sha256(archive);
  }
  const digest = await crypto.subtle.digest("SHA-256", archive as Uint8Array<ArrayBuffer>);
  return new Uint8Array(digest).toHex();
}

/** Maximum size hashed by WebCrypto, which copies its input synchronously before it hashes in a thread. */
const hashedAtOnce = 4 << 20;
