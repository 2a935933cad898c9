/**
 * Writing an archive's entries into a folder.
 *
 * @module
 */

import { dirname } from "node:path/posix";
import type { ArchiveEntry } from "../../archive/entries.ts";

/** Executors may run as any user: they may read and enter, and never write. */
const modes = { folder: 0o755, file: 0o644, executable: 0o755 } as const;

/**
 * Writes entries into a new folder.
 *
 * @param entries checked by `readTar`: their paths stay inside
 * @param folder made here; must not exist
 */
export async function unpack(entries: readonly ArchiveEntry[], folder: string): Promise<void> {
  await makeFolder(folder);
  for (const path of foldersOf(entries)) await makeFolder(`${folder}/${path}`);
  for (const { path, data, executable } of entries) {
    if (!data) continue;
    const file = `${folder}/${path}`;
    await Deno.writeFile(file, data, { createNew: true });
    await Deno.chmod(file, executable ? modes.executable : modes.file);
  }
}

/** Makes one folder with exactly that mode, whatever the process's umask is. */
async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path);
  await Deno.chmod(path, modes.folder);
}

/** Every folder that the entries need, parents first. */
function foldersOf(entries: readonly ArchiveEntry[]): string[] {
  const folders = new Set<string>();
  for (const { path, data } of entries) {
    let folder = data ? dirname(path) : path;
    for (; folder !== "." && !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  }
  return [...folders].sort();
}
