/**
 * Code of a specialized generic container. A running container gets
 * no new mounts, but it sees at once what is added to a mounted folder: each has an empty one of
 * its own at `/app`, read-only inside, into which the node links the function's files.
 *
 * @module
 */

/** Containers run as another user: it may read and enter. */
const folderMode = 0o755;
/** Most files and folders that are linked: beyond, a mount of the unpacked code is quicker. */
const maxFiles = 1000;

/** Code folder. Disposing it removes it; the linked files stay where they are. */
export class CodeFolder implements AsyncDisposable {
  /** Its path on the host. */
  readonly path: string;
  #filling: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes an empty folder.
   *
   * @param path must not exist
   */
  static async make(path: string): Promise<CodeFolder> {
    await makeFolder(path);
    return new CodeFolder(path);
  }

  /**
   * Links all files of a folder into this one, with the folders that they are in. Once.
   *
   * @param source unpacked code; its files are never written to again
   * @returns false if there are too many: not all are linked then
   */
  async fill(source: string): Promise<boolean> {
    const count = { files: 0 };
    this.#filling = this.#link(source, this.path, count);
    await this.#filling;
    return count.files <= maxFiles;
  }

  /** Removes it. */
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
    // All must have ended before a failure is thrown: the folder is removed then.
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
  // Whatever the process's umask is.
  await Deno.chmod(path, folderMode);
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await Deno.link(source, target);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    // On another file system, or on one without links.
    await Deno.copyFile(source, target);
  }
}

function ifPresent(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
