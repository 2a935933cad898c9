/**
 * Backups of the embedded registry of a running node.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { backUpInProcess } from "../registry/local/backup_process.ts";

/** Size of the parts in which a backup is read, bytes. */
const partBytes = 64 << 10;

/** Makes one backup at a time. */
export class Backups implements AsyncDisposable {
  readonly #registry: string;
  readonly #stopped = new AbortController();
  #copying: Promise<unknown> | undefined;
  #isOpen = false;

  /**
   * Prepares backups, and removes one that a crash has left.
   *
   * @param registry path of the embedded registry
   */
  constructor(registry: string) {
    this.#registry = registry;
    this.#removeCopy();
  }

  /**
   * Copies the registry to a file next to it.
   *
   * @returns the copy; it is on the disk until it is read or cancelled
   * @throws `NODE_SATURATED` during another backup, `REGISTRY_UNAVAILABLE`
   */
  async open(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    if (this.#isOpen) {
      throw new ServerledgeError(
        "NODE_SATURATED",
        "The node is sending another backup, and makes one at a time: try again when it is complete",
      );
    }
    this.#isOpen = true;
    try {
      const copying = this.#copying = backUpInProcess(
        this.#registry,
        this.#copy,
        this.#stopped.signal,
      );
      await copying;
      return this.#stream(await Deno.open(this.#copy));
    } catch (error) {
      this.#isOpen = false;
      throw error;
    } finally {
      // What is open stays readable, and needs no removal after a crash.
      this.#removeCopy();
    }
  }

  /** Ends a copy that is being made. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#copying?.catch(() => {});
  }

  get #copy(): string {
    return `${this.#registry}.backup`;
  }

  #stream(file: Deno.FsFile): ReadableStream<Uint8Array<ArrayBuffer>> {
    using closing = new DisposableStack();
    closing.defer(() => this.#isOpen = false);
    closing.use(file);
    const open = closing.move();
    return new ReadableStream({
      async pull(controller) {
        try {
          const part = new Uint8Array(partBytes);
          const length = await file.read(part);
          if (length !== null) return controller.enqueue(part.subarray(0, length));
        } catch (error) {
          open.dispose();
          throw error;
        }
        open.dispose();
        controller.close();
      },
      cancel: () => open.dispose(),
    }, { highWaterMark: 0 });
  }

  #removeCopy(): void {
    for (const suffix of ["", "-journal"]) {
      try {
        Deno.removeSync(this.#copy + suffix);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
}
