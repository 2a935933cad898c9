/**
 * Code of a specialized generic container. A running container gets no new mounts, but it sees files
 * that are added to a mounted folder at once. So every generic container has an empty folder at `/app`,
 * read-only inside, into which the node links the function's files.
 *
 * @module
 */

/** Mode of folders: containers run as another user, which may read and enter them. */
const folderMode = 0o755;
/** Maximum number of files and folders that are linked. For more, a mount of the unpacked code is faster. */
const maxFiles = 1000;

/** Code folder. Disposing it removes it; the linked files stay where they are. */
export class CodeFolder implements AsyncDisposable {
  /** Path of the folder on the host. */
  readonly path: string;
  #filling: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Creates an empty folder.
   *
   * @param path path of the folder, which must not exist
   */
  static async make(path: string): Promise<CodeFolder> {
    await makeFolder(path);
    return new CodeFolder(path);
  }

  /**
   * Links all files of a folder into this one, and creates their folders. Called at most once.
   *
   * @param source unpacked code; its files are never written to again
   * @returns false if there are more than {@link maxFiles}, and not all of them are linked
   */
  async fill(source: string): Promise<boolean> {
    const count = { files: 0 };
    this.#filling = this.#link(source, this.path, count);
    await this.#filling;
    return count.files <= maxFiles;
  }

  /** Removes the folder, after linking has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#filling.catch(() => {});
    await Deno.remove(this.path, { recursive: true }).catch(ifPresent);
  }

  async #link(from: string, to: string, count: { files: number }): Promise<void> {
    const entries: Deno.DirEntry[] = [];
    for await (const entry of Deno.readDir(from)) {
      if (this.#disposed || ++count.files > maxFiles) return;
      entries.push(entry);
    }
    // All operations must end before a failure is thrown, because the folder is removed then.
    const done = await Promise.allSettled(entries.map(async ({ name, isDirectory }) => {
      const [source, target] = [`${from}/${name}`, `${to}/${name}`];
      if (!isDirectory) return await linkOrCopy(source, target);
      await makeFolder(target);
      await this.#link(source, target, count);
    }));
    const failure = done.find(({ status }) => status === "rejected");
    if (failure) throw (failure as PromiseRejectedResult).reason;
  }
}

async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path);
  // The process's umask applies to mkdir but not to chmod.
  await Deno.chmod(path, folderMode);
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await Deno.link(source, target);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    // The target is on another file system, or the file system has no hard links.
    await Deno.copyFile(source, target);
  }
}

function ifPresent(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
