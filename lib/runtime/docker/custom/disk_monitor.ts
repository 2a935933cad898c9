/**
 * Monitor of the data that custom images write to their own files: their root is writable, and the engine
 * cannot limit its size on most file systems.
 *
 * The engine has to walk through the files of a container to determine their size. So the monitor
 * requests sizes only if the free space of the disk has shrunk, and every half minute. Reading the free
 * space takes one system call.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { ServerledgeError } from "../../../base/errors.ts";
import { logger } from "../../../base/log.ts";
import type { Engine } from "../engine/engine.ts";

const mib = 1 << 20;
/** Interval of checks of the free space, ms. */
const lookEveryMs = 1_000;
/** Intervals of size requests, ms: while the free space is known, and while it is unknown. */
const askEveryMs = 30_000;
const askBlindlyEveryMs = 10_000;
/** Maximum share of time for size requests. */
const maxShare = 0.1;
/** Free space below which the disk runs low: this share of its size, but at most this many bytes. */
const lowShare = 0.05;
const maxLowBytes = 1024 * mib;
/** Bytes below which a container is not ended because the disk runs low. */
const spared = 64 * mib;

const log = logger("runtime");

/** Container whose files are monitored. */
export interface WatchedFiles {
  /** The container's name. */
  readonly name: string;
  /** Returns the bytes that the container has written to its own files and volumes; undefined if unknown. */
  size(): Promise<number | undefined>;
  /** Ends the container. */
  end(reason: ServerledgeError): void;
}

/** Space of a disk, bytes. */
export interface DiskSpace {
  /** Free space for the engine. */
  readonly free: number;
  readonly total: number;
}

/** Dependencies of a disk monitor. */
export interface DiskWatchOptions {
  /** Maximum size that one container may write, MiB (`container.disk`); 0 for unlimited. */
  readonly limitMib: number;
  /** Reads the disk's space; undefined if unknown, e.g. on another machine. */
  readonly space: () => Promise<DiskSpace | undefined>;
  /** Returns the time in milliseconds; defaults to the process's clock. */
  readonly now?: () => number;
}

/** Monitor that ends containers that write too much. */
export class DiskMonitor implements AsyncDisposable {
  readonly #options: DiskWatchOptions;
  readonly #now: () => number;
  readonly #watched = new Set<WatchedFiles>();
  #timer: number | undefined;
  #looking: Promise<void> | undefined;
  /** Maximum free space since the last size request. */
  #mostFree = 0;
  #nextAskMs = 0;
  #earliestAskMs = 0;
  #disposed = false;

  /** Creates a monitor without containers. The first one starts its timer. */
  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Monitors a container until disposed. */
  watch(files: WatchedFiles): Disposable {
    this.#watched.add(files);
    this.#schedule();
    return { [Symbol.dispose]: () => void this.#watched.delete(files) };
  }

  /** Checks once; for tests. */
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
    this.#enforce(sizes, isLow ? space : undefined);
  }

  /** Stops the monitor. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    if (this.#disposed || this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.look()
        .catch((error) => log.debug("Cannot measure disk usage: {error}", { error: error.message }))
        .finally(() => {
          this.#looking = this.#timer = undefined;
          this.#schedule();
        });
    }, lookEveryMs);
  }

  /** True if a container may have written an eighth of its limit. */
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

  #enforce(sizes: { files: WatchedFiles; bytes: number }[], low: DiskSpace | undefined): void {
    const { limitMib } = this.#options;
    const beyond = sizes.filter(({ bytes }) => limitMib > 0 && bytes > limitMib * mib);
    for (const { files, bytes } of beyond) {
      const why = `more than the ${limitMib} MiB of container.disk`;
      this.#end(files, `it had written ${toMib(bytes)} MiB to its own files and volumes, ${why}`);
    }
    if (!low || beyond.length > 0) return;
    // Only one container is ended at a time, because that may free enough space.
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
    log.warn("{name} is terminated: {reason}", { name: files.name, reason });
    files.end(
      new ServerledgeError(
        "FUNCTION_CRASHED",
        `The function's instance was terminated: ${reason}. Write less, or write to /tmp or ` +
          "an external service",
      ),
    );
  }
}

/** Reads the space of the engine's disk; undefined if the engine is on another machine. */
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
