/**
 * Writes the entries of an archive to a folder.
 *
 * @module
 */

import { dirname } from "node:path/posix";
import type { ArchiveEntry } from "../../archive/entries.ts";

/** Number of bytes copied at once between memory and a file. */
const copiedAtOnce = 1 << 20;
/** Modes of unpacked files. Executors may run as any user, and may read and enter but not write. */
const modes = { folder: 0o755, file: 0o644, executable: 0o755 } as const;

/**
 * Writes entries to a new folder.
 *
 * @param entries entries validated by `readTar`, whose paths stay within the folder
 * @param folder path of the folder, which must not exist
 */
export async function unpack(entries: readonly ArchiveEntry[], folder: string): Promise<void> {
  await makeFolder(folder);
  for (const path of foldersOf(entries)) await makeFolder(`${folder}/${path}`);
  for (const { path, data, executable } of entries) {
    if (!data) continue;
    const file = `${folder}/${path}`;
    await writeFile(file, data, { createNew: true });
    await Deno.chmod(file, executable ? modes.executable : modes.file);
  }
}

/**
 * Writes a file in pieces; `Deno.writeFile` copies the whole content first.
 *
 * @param content content of the file, which must not change in the meantime
 */
export async function writeFile(
  path: string,
  content: Uint8Array,
  options: Omit<Deno.OpenOptions, "write">,
): Promise<void> {
  if (content.length <= copiedAtOnce) return await Deno.writeFile(path, content, options);
  using file = await Deno.open(path, { ...options, write: true });
  for (let at = 0; at < content.length;) {
    at += await file.write(content.subarray(at, at + copiedAtOnce));
  }
}

/** Reads a file in pieces; `Deno.readFile` copies the whole content at once. */
export async function readFile(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const content = new Uint8Array((await file.stat()).size);
  for (let at = 0; at < content.length;) {
    const count = await file.read(content.subarray(at, at + copiedAtOnce));
    if (count === null) return content.subarray(0, at);
    at += count;
  }
  return content;
}

/** Creates a folder with exactly the mode for folders, whatever the umask of the process. */
async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path);
  await Deno.chmod(path, modes.folder);
}

/** Returns all folders that the entries need, parents first. */
function foldersOf(entries: readonly ArchiveEntry[]): string[] {
  const folders = new Set<string>();
  for (const { path, data } of entries) {
    let folder = data ? dirname(path) : path;
    for (; folder !== "." && !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  }
  return [...folders].sort();
}
