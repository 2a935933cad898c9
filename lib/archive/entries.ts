/**
 * What code archives of all formats have in common: entries, limits, and which paths are accepted.
 *
 * @module
 */

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

/** Why an archive is not accepted. The message is a clause, e.g. "it is cut". */
export class BadArchive extends Error {
  /** Name of the class, for stack traces. */
  override readonly name = "BadArchive";

  /**
   * @param message the clause
   * @param entry path of the entry at fault, as the archive spells it
   * @param tooLarge true if only a limit stands against the archive
   */
  constructor(message: string, readonly entry?: string, readonly tooLarge = false) {
    super(message);
  }
}

/**
 * Refuses an archive because of one entry.
 *
 * @param entry its path, as the archive spells it
 * @param problem predicate of a sentence about the entry, e.g. "appears twice"
 */
export function refuseEntry(entry: string, problem: string): never {
  throw new BadArchive(`its entry ${JSON.stringify(entry)} ${problem}`, entry);
}

/** Decodes a name; what is not UTF-8 could not be unpacked under the name it was packed with. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseEntry(new TextDecoder().decode(bytes), "has a name that is not UTF-8");
  }
}

/** Counts entries and their bytes against limits. */
export class ArchiveMeter {
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  /** @param limits what it may hold at most */
  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** Adds an entry of that many bytes. @throws {BadArchive} beyond the limits */
  add(bytes: number): void {
    const { maxEntries, maxBytes } = this.#limits;
    this.#bytes += bytes;
    if (++this.#entries > maxEntries) throw tooMany(maxEntries);
    if (this.#bytes > maxBytes) throw tooLarge(`it has more than ${maxBytes} bytes of files`);
  }
}

/** Refuses an archive of more entries. */
export function tooMany(maxEntries: number): BadArchive {
  return tooLarge(`it has more than ${maxEntries} entries`);
}

function tooLarge(problem: string): BadArchive {
  return new BadArchive(problem, undefined, true);
}

/** The paths of an archive seen so far, and what they are. */
export class ArchivePaths {
  readonly #kinds = new Map<string, "file" | "directory" | "parent">();
  readonly #maxEntries: number;

  /** @param limits what an archive may hold at most; folders that only paths name count as well */
  constructor({ maxEntries }: Pick<ArchiveLimits, "maxEntries">) {
    this.#maxEntries = maxEntries;
  }

  /**
   * Checks that an entry stays in its folder and undoes no other.
   *
   * @param name its path, as the archive spells it
   * @returns its path; undefined for what is to be skipped: the root, and a directory named before
   * @throws {BadArchive}
   */
  add(name: string, type: "file" | "directory"): string | undefined {
    const path = checked(name);
    if (path === "") return type === "directory" ? undefined : refuseEntry(name, "has no name");
    this.#addParents(name, path);
    const known = this.#kinds.get(path);
    if (type === "file" && known) {
      refuseEntry(name, known === "file" ? "appears twice" : "is a file and a directory");
    }
    if (type === "directory" && known === "file") {
      refuseEntry(name, "is a file and a directory");
    }
    this.#kinds.set(path, type);
    if (this.#kinds.size > this.#maxEntries) throw tooMany(this.#maxEntries);
    return known === "directory" ? undefined : path;
  }

  #addParents(name: string, path: string): void {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
      const parent = path.slice(0, at);
      const known = this.#kinds.get(parent);
      if (known === "file") refuseEntry(name, `is below the file ${JSON.stringify(parent)}`);
      if (!known) this.#kinds.set(parent, "parent");
    }
  }
}

function checked(name: string): string {
  if (name.startsWith("/")) refuseEntry(name, "has an absolute path");
  if (name.includes("\0")) refuseEntry(name, "has a NUL in its path");
  if (name.split("/").includes("..")) refuseEntry(name, "has '..' in its path");
  const path = name.split("/").filter((part) => part !== "" && part !== ".").join("/");
  const size = (text: string) => new TextEncoder().encode(text).length;
  if (size(path) > maxPathBytes || path.split("/").some((part) => size(part) > maxNameBytes)) {
    refuseEntry(`${name.slice(0, maxNameBytes)}...`, "has too long a path");
  }
  return path;
}
