/**
 * Entries, limits and path checks of code archives in all formats.
 *
 * @module
 */

/** Limits of an archive's content. */
export interface ArchiveLimits {
  /** Number of files and directories. */
  readonly maxEntries: number;
  /** Total size of all files. */
  readonly maxBytes: number;
}

/** Default limits: generous for a function, small enough for an edge device. */
export const archiveLimits: ArchiveLimits = { maxEntries: 20_000, maxBytes: 1 << 30 };

/** Maximum length of a file name, bytes. */
const maxNameBytes = 255;
/** Maximum length of a path, bytes; leaves room for the target folder. */
const maxPathBytes = 2048;

/** File or directory of an archive. */
export interface ArchiveEntry {
  /** Relative path, separated by single slashes, without `.` and `..`. */
  readonly path: string;
  /** Content of a file; null for a directory. */
  readonly data: Uint8Array | null;
  /** True for an executable file. */
  readonly executable: boolean;
}

/** Error in an archive. The message is a clause, e.g. "it is truncated". */
export class BadArchive extends Error {
  override readonly name = "BadArchive";

  /**
   * Creates an error for an invalid archive or one that exceeds a limit.
   *
   * @param message the reason as a clause
   * @param entry path of the invalid entry as in the archive
   * @param tooLarge true if the archive exceeds a limit
   */
  constructor(message: string, readonly entry?: string, readonly tooLarge = false) {
    super(message);
  }
}

/**
 * Rejects an archive because of an entry.
 *
 * @param entry path of the entry as in the archive
 * @param problem predicate about the entry, e.g. "occurs twice"
 */
export function refuseEntry(entry: string, problem: string): never {
  throw new BadArchive(`its entry ${JSON.stringify(entry)} ${problem}`, entry);
}

/** Decodes a name, which must be UTF-8. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseEntry(new TextDecoder().decode(bytes), "has a name that is not valid UTF-8");
  }
}

/** Checks entries and their bytes against limits. */
export class ArchiveMeter {
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  /**
   * Creates a meter that has counted nothing.
   *
   * @param limits limits of its content
   */
  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** Adds an entry. @throws {BadArchive} beyond the limits */
  add(bytes: number): void {
    const { maxEntries, maxBytes } = this.#limits;
    this.#bytes += bytes;
    if (++this.#entries > maxEntries) throw tooMany(maxEntries);
    if (this.#bytes > maxBytes) throw tooLarge(`its files have more than ${maxBytes} bytes`);
  }
}

/** Returns the error for an archive with too many entries. */
export function tooMany(maxEntries: number): BadArchive {
  return tooLarge(`it has more than ${maxEntries} entries`);
}

function tooLarge(problem: string): BadArchive {
  return new BadArchive(problem, undefined, true);
}

/** Paths of an archive and their types. */
export class ArchivePaths {
  readonly #kinds = new Map<string, "file" | "directory" | "parent">();
  readonly #maxEntries: number;

  /**
   * Creates an empty set of paths.
   *
   * @param limits limits of the content, including folders that occur only in paths
   */
  constructor({ maxEntries }: Pick<ArchiveLimits, "maxEntries">) {
    this.#maxEntries = maxEntries;
  }

  /**
   * Checks that an entry stays in its folder and overwrites no other.
   *
   * @returns its normalized path; undefined for entries to skip: the root and repeated directories
   * @throws {BadArchive}
   */
  add(name: string, type: "file" | "directory"): string | undefined {
    const path = checked(name);
    if (path === "") return type === "directory" ? undefined : refuseEntry(name, "has no name");
    this.#addParents(name, path);
    const known = this.#kinds.get(path);
    if (type === "file" && known) {
      refuseEntry(name, known === "file" ? "occurs twice" : "is both a file and a directory");
    }
    if (type === "directory" && known === "file") {
      refuseEntry(name, "is both a file and a directory");
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
  if (name.includes("\0")) refuseEntry(name, "has a NUL byte in its path");
  if (name.split("/").includes("..")) refuseEntry(name, "has '..' in its path");
  const path = name.split("/").filter((part) => part !== "" && part !== ".").join("/");
  const size = (text: string) => new TextEncoder().encode(text).length;
  if (size(path) > maxPathBytes || path.split("/").some((part) => size(part) > maxNameBytes)) {
    refuseEntry("has a path that is too long", "has too long a path");
  }
  return path;
}
