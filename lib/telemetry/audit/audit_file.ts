/**
 * File of the audit record, rotated by its size.
 *
 * @module
 */

import { dirname } from "node:path";

/** Number of files: the current one, and former ones with the endings `.1` (the latest) to `.3`. */
const files = 4;

/**
 * Lines in a file that only its owner can read. It is opened for each write, so that other programs may move or
 * remove it at any time.
 */
export class AuditFile {
  readonly #maxBytes: number;

  /**
   * Names a file, which is created with the first line.
   *
   * @param path path of the current file
   * @param maxBytes approximate maximum size of all files together, bytes
   */
  constructor(readonly path: string, maxBytes: number) {
    this.#maxBytes = maxBytes / files;
  }

  /**
   * Appends lines completely, or not at all.
   *
   * @throws if they cannot be written
   */
  async append(lines: string): Promise<void> {
    const bytes = new TextEncoder().encode(lines);
    const { size } = await Deno.stat(this.path).catch(ifMissing({ size: 0 }));
    if (size > 0 && size + bytes.length > this.#maxBytes) await this.#rotate();
    using file = await this.#open();
    const end = await file.seek(0, Deno.SeekMode.End);
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    } catch (error) {
      await file.truncate(end);
      throw error;
    }
  }

  async #open(): Promise<Deno.FsFile> {
    const open = () => Deno.open(this.path, { append: true, create: true, mode: 0o600 });
    const file = await open().catch(ifMissing(undefined));
    if (file) return file;
    await Deno.mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    return await open();
  }

  async #rotate(): Promise<void> {
    for (let to = files - 1; to > 0; to--) {
      const from = to === 1 ? this.path : `${this.path}.${to - 1}`;
      await Deno.rename(from, `${this.path}.${to}`).catch(ifMissing(undefined));
    }
  }
}

/** Returns a handler that replaces the error for a missing file. */
function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Deno.errors.NotFound) return value;
    throw error;
  };
}
