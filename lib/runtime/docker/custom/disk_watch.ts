/**
 * Watches what custom images write to their own files: their root is writable, and the engine cannot
 * bound its size on most file systems.
 *
 * The engine has to walk through the files of a container to tell their size. It is asked when the
 * free space of its disk has shrunk, which costs one system call to see, and every half minute.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { ServerledgeError } from "../../../base/errors.ts";
import { logger } from "../../../base/log.ts";
import type { Engine } from "../engine/engine.ts";

const mib = 1 << 20;
/** How often the free space is looked at, ms. */
const lookEveryMs = 1_000;
/** How often sizes are asked for whatever the free space is, ms; and where that cannot be seen. */
const askEveryMs = 30_000;
const askBlindlyEveryMs = 10_000;
/** Asking may take this share of the time. */
const maxShare = 0.1;
/** The disk runs low below this share of it, but not above this size. */
const lowShare = 0.05;
const maxLowBytes = 1024 * mib;
/** A container that has written less is not ended for a disk that runs low. */
const spared = 64 * mib;

const log = logger("runtime");

/** A container whose files are watched. */
export interface WatchedFiles {
  /** The container's name. */
  readonly name: string;
  /** How many bytes it has written to its own files and its volumes; undefined if it is gone. */
  size(): Promise<number | undefined>;
  /** Ends it. */
  end(reason: ServerledgeError): void;
}

/** The space of a disk, bytes. */
export interface DiskSpace {
  /** Free for the engine. */
  readonly free: number;
  /** All of it. */
  readonly total: number;
}

/** What {@link DiskWatch} works with. */
export interface DiskWatchOptions {
  /** Most that one container may write, MiB (`container.disk`); 0 for no bound. */
  readonly limitMib: number;
  /** Looks at the disk; undefined where it cannot be seen, e.g. on another machine. */
  readonly space: () => Promise<DiskSpace | undefined>;
  /** Milliseconds on some clock; the process's own if left out. */
  readonly now?: () => number;
}

/** Ends containers that write too much. */
export class DiskWatch implements AsyncDisposable {
  readonly #options: DiskWatchOptions;
  readonly #now: () => number;
  readonly #watched = new Set<WatchedFiles>();
  #timer: number | undefined;
  #looking: Promise<void> | undefined;
  /** Most free space since sizes were last asked for. */
  #mostFree = 0;
  #nextAskMs = 0;
  #earliestAskMs = 0;
  #disposed = false;

  /**
   * Watches nothing yet.
   *
   * @param options bound and disk
   */
  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Watches a container until disposed.
   *
   * @param files its
   */
  watch(files: WatchedFiles): Disposable {
    this.#watched.add(files);
    this.#schedule();
    return { [Symbol.dispose]: () => void this.#watched.delete(files) };
  }

  /** Looks once; for tests. */
  async look(): Promise<void> {
    const space = await this.#options.space();
    const now = this.#now();
    const isLow = space !== undefined && space.free < lowBytes(space);
    if (now < this.#earliestAskMs) return;
    if (!isLow && !this.#hasShrunk(space) && now < this.#nextAskMs) return;
    const sizes = await this.#ask();
    const took = this.#now() - now;
    this.#earliestAskMs = now + took / maxShare;
    this.#nextAskMs = now + (space ? askEveryMs : askBlindlyEveryMs);
    this.#mostFree = space?.free ?? 0;
    this.#judge(sizes, isLow ? space : undefined);
  }

  /** Stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    if (this.#disposed || this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.look()
        .catch((error) => log.debug("Cannot look at the disk: {error}", { error: error.message }))
        .finally(() => {
          this.#looking = this.#timer = undefined;
          this.#schedule();
        });
    }, lookEveryMs);
  }

  /** True if a container may have written an eighth of what it may. */
  #hasShrunk(space: DiskSpace | undefined): boolean {
    if (!space) return false;
    this.#mostFree = Math.max(this.#mostFree, space.free);
    const step = Math.max(this.#options.limitMib * mib / 8, spared);
    return this.#mostFree - space.free >= step;
  }

  async #ask(): Promise<{ files: WatchedFiles; bytes: number }[]> {
    const sizes = [];
    for (const files of [...this.#watched]) {
      const bytes = await files.size().catch(() => undefined);
      if (bytes !== undefined && this.#watched.has(files)) sizes.push({ files, bytes });
    }
    return sizes;
  }

  #judge(sizes: { files: WatchedFiles; bytes: number }[], low: DiskSpace | undefined): void {
    const { limitMib } = this.#options;
    const beyond = sizes.filter(({ bytes }) => limitMib > 0 && bytes > limitMib * mib);
    for (const { files, bytes } of beyond) {
      const why = `more than the ${limitMib} MiB of container.disk`;
      this.#end(files, `it had written ${toMib(bytes)} MiB to its own files and volumes, ${why}`);
    }
    if (!low || beyond.length > 0) return;
    // One after the other: that may be enough.
    const [most] = sizes.sort((a, b) => b.bytes - a.bytes);
    if (!most || most.bytes < spared) return;
    const why = `Docker's disk has only ${toMib(low.free)} MiB left`;
    this.#end(
      most.files,
      `it had written ${toMib(most.bytes)} MiB to its own files and volumes, and ${why}`,
    );
  }

  #end(files: WatchedFiles, reason: string): void {
    this.#watched.delete(files);
    log.warn("{name} is ended: {reason}", { name: files.name, reason });
    files.end(
      new ServerledgeError(
        "FUNCTION_CRASHED",
        `The function's instance was ended: ${reason}. Write less, or to /tmp or a service elsewhere`,
      ),
    );
  }
}

/**
 * Looks at the disk of an engine on this machine.
 *
 * @param engine which one
 */
export async function engineSpace(engine: Engine): Promise<DiskSpace | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs((await engine.facts()).folder);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return undefined;
  }
}

function lowBytes({ total }: DiskSpace): number {
  return Math.min(total * lowShare, maxLowBytes);
}

function toMib(bytes: number): number {
  return Math.round(bytes / mib);
}
