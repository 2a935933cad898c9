/**
 * Reads the source of a function and converts it to the format of the API.
 *
 * @module
 */

import { basename, relative, resolve } from "node:path";
import { ServerledgeError } from "../../base/errors.ts";
import { fileProblem } from "../../base/text_file.ts";
import { type ArchiveEntry, BadArchive } from "../../archive/entries.ts";
import { exits } from "../exits.ts";
import { leftOutWarnings } from "./left_out.ts";

/** Maximum size of a source, bytes; the limit of a node is `code.max` of its configuration. */
const maxSourceBytes = 768 * 1024 * 1024;
/** Maximum number of files of a folder. */
const maxSourceFiles = 20_000;

/** A source, ready to be sent. */
export interface Source {
  /** Base64 of an archive or of a URL, for `TarFunctionCode`. */
  readonly base64: string;
  /** Size of the archive, bytes; undefined for a URL, which the node fetches. */
  readonly bytes: number | undefined;
  /** Sentences about files of a folder that the source omits. */
  readonly warnings: readonly string[];
}

interface Packed {
  readonly archive: Uint8Array;
  readonly warnings?: readonly string[];
}

/**
 * Reads a source. A single file is stored under its base name, and a folder `a/b` below `b/`. An archive
 * (.tar, .tar.gz, .tgz, .zip) keeps its paths.
 *
 * @param source path of a file, folder or archive, or an http(s) URL to an archive
 * @throws `INVALID_REQUEST` with the problem of the source
 */
export async function readSource(source: string): Promise<Source> {
  if (/^https?:\/\//i.test(source)) {
    return { base64: new TextEncoder().encode(source).toBase64(), bytes: undefined, warnings: [] };
  }
  const { archive, warnings = [] } = await readArchive(source);
  return { base64: archive.toBase64(), bytes: archive.length, warnings };
}

async function readArchive(source: string): Promise<Packed> {
  const info = await reading(source, () => Deno.stat(source));
  if (info.isDirectory) return await readFolder(source);
  // A device or a pipe may never end.
  if (!info.isFile) throw bad(source, "it is neither a file nor a directory");
  const data = await readFile(source, info.size);
  const name = basename(resolve(source));
  if (/\.zip$/i.test(name)) return { archive: await pack(await zipEntries(data, source)) };
  if (/\.(tar|tar\.gz|tgz)$/i.test(name)) return { archive: data };
  if (/\.(tar\.[a-z0-9]+|tbz2?|txz|tzst|7z|rar)$/i.test(name)) {
    throw bad(source, "its format is not supported; pack the code as .tar, .tar.gz or .zip");
  }
  return { archive: await pack([{ path: name, data, executable: isExecutable(info) }]) };
}

async function pack(entries: ArchiveEntry[]): Promise<Uint8Array> {
  const { packTar } = await import("../../archive/archive.ts");
  return await packTar(entries);
}

async function readFolder(folder: string): Promise<Packed> {
  const root = resolve(folder);
  const entries: ArchiveEntry[] = [];
  const links: string[] = [];
  const others: string[] = [];
  let bytes = 0;
  for await (const { path, isFile, isSymlink } of leaves(root)) {
    if (!isFile) {
      (isSymlink ? links : others).push(relative(root, path));
      continue;
    }
    const info = await reading(path, () => Deno.lstat(path));
    bytes += info.size;
    if (bytes > maxSourceBytes) throw bad(folder, `it has more than ${maxSourceBytes} bytes`);
    if (entries.length === maxSourceFiles) {
      throw bad(folder, `it has more than ${maxSourceFiles} files`);
    }
    entries.push({
      path: `${basename(root)}/${relative(root, path)}`,
      data: await readFile(path, info.size),
      executable: isExecutable(info),
    });
  }
  const warnings = leftOutWarnings({ links, others });
  if (entries.length === 0) throw bad(folder, ["it contains no files", ...warnings].join("; "));
  return { archive: await pack(entries), warnings };
}

/** Entry below a folder that is not a folder. */
interface Leaf {
  readonly path: string;
  readonly isFile: boolean;
  readonly isSymlink: boolean;
}

/** Lists the entries below a folder. Like the Go CLI, it does not follow links. */
async function* leaves(folder: string): AsyncGenerator<Leaf> {
  const children = await reading(folder, () => Array.fromAsync(Deno.readDir(folder)));
  for (const { name, isDirectory, isFile, isSymlink } of children) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* leaves(path);
    else yield { path, isFile, isSymlink };
  }
}

async function zipEntries(archive: Uint8Array, source: string): Promise<ArchiveEntry[]> {
  const { readZip } = await import("../../archive/zip.ts");
  try {
    const limits = { maxEntries: maxSourceFiles, maxBytes: maxSourceBytes };
    const entries = await readZip(archive, limits);
    if (entries.every(({ data }) => data === null)) throw new BadArchive("it contains no files");
    return entries;
  } catch (error) {
    if (error instanceof BadArchive) throw bad(source, error.message, error);
    throw error;
  }
}

async function readFile(path: string, size: number): Promise<Uint8Array> {
  if (size > maxSourceBytes) throw bad(path, `it is larger than ${maxSourceBytes} bytes`);
  return await reading(path, () => Deno.readFile(path));
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw bad(path, fileProblem(error), error);
  }
}

function isExecutable(info: Deno.FileInfo): boolean {
  return ((info.mode ?? 0) & 0o100) !== 0;
}

function bad(path: string, reason: string, cause?: unknown): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", `Cannot use ${path} as source: ${reason}`, {
    cause,
    details: { exit: exits.source },
  });
}
