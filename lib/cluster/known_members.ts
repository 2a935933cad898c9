/**
 * The members of a cluster as this node knew them last, kept on its disk: nodes that start while the
 * registry is away find each other by them.
 *
 * @module
 */

import * as v from "valibot";
import type { Clock } from "../base/clock.ts";
import { logger } from "../base/log.ts";
import { type NodeRecord, nodeRecordSchema } from "../model/node.ts";

/** Most members that are kept. */
export const maxKnown = 1000;
/** Largest file that is read, bytes: the records of {@link maxKnown} members are far smaller. */
const maxBytes = 2 << 20;
/** After this time without a word of the registry members are forgotten, ms. */
export const maxAgeMs = 7 * 24 * 3600_000;
/** Pause between a change and its being written, ms: changes come in crowds. */
const writeDelayMs = 1000;
/** How often what did not change is written again, so that it does not age, ms. */
const refreshMs = 3600_000;

const fileSchema = v.object({
  /** When the registry told them last, ms since the Unix epoch. */
  At: v.pipe(v.number(), v.minValue(0)),
  Nodes: v.pipe(v.array(nodeRecordSchema), v.maxLength(maxKnown)),
});

/** Where they are kept; replaced in tests. */
export interface MemberFile {
  /**
   * Reads the file.
   *
   * @returns undefined if there is none
   */
  read(): string | undefined;
  /** Replaces the file: after a power cut the former or the new text is there, never a part of one. */
  write(text: string): Promise<void>;
}

/** What {@link KnownMembers} works with. */
export interface KnownMembersOptions {
  /** Where they are kept. */
  readonly file: MemberFile;
  /** Dates what is written, and says when. */
  readonly clock: Clock;
  /** What the registry says now. */
  readonly current: () => readonly NodeRecord[];
  /** False while the registry is away: what it said is not news then. */
  readonly isTold: () => boolean;
}

/** Keeps what the registry tells of members; disposing it writes what is not written yet. */
export class KnownMembers implements AsyncDisposable {
  readonly #options: KnownMembersOptions;
  #writing: Promise<void> = Promise.resolve();
  #cancelWrite: (() => void) | undefined;
  #cancelRefresh: () => void = () => {};
  #closed = false;
  #isWriting = false;
  /** True while the last write failed, which is told once. */
  #failed = false;

  /** Writes nothing before {@link KnownMembers.changed} is called. */
  constructor(options: KnownMembersOptions) {
    this.#options = options;
  }

  /** The members that are known from before; none if they are too old or cannot be read. */
  read(): NodeRecord[] {
    try {
      const text = this.#options.file.read();
      if (text === undefined) return [];
      const { At, Nodes } = v.parse(fileSchema, JSON.parse(text));
      return this.#options.clock.wall() - At > maxAgeMs ? [] : Nodes;
    } catch (error) {
      const { message: reason } = error as Error;
      logger("cluster").warn(
        "Members known before this start are lost until the registry answers: {reason}",
        { reason },
      );
      return [];
    }
  }

  /** The registry has told something: it is written soon. */
  changed(): void {
    if (this.#closed) return;
    this.#cancelWrite ??= this.#options.clock.after(writeDelayMs, () => this.#write());
  }

  /** Writes what is not written yet, and nothing afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelRefresh();
    if (this.#cancelWrite) this.#write();
    await this.#writing;
  }

  /** What did not change is dated anew, but only while the registry vouches for it. */
  #refreshLater(): void {
    this.#cancelRefresh();
    if (this.#closed) return;
    this.#cancelRefresh = this.#options.clock.after(refreshMs, () => {
      if (this.#options.isTold()) this.#write();
      else this.#refreshLater();
    });
  }

  #write(): void {
    const { clock, file, current } = this.#options;
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    // On a slow disk writes must not pile up.
    if (this.#isWriting && !this.#closed) return this.changed();
    this.#isWriting = true;
    this.#refreshLater();
    const text = JSON.stringify({ At: clock.wall(), Nodes: current().slice(0, maxKnown) });
    this.#writing = this.#writing.then(() => file.write(text)).then(
      () => void (this.#failed = false),
      ({ message: reason }: Error) => {
        if (this.#failed) return;
        this.#failed = true;
        logger("cluster").warn("Cannot keep what is known of members on disk: {reason}", {
          reason,
        });
      },
    ).finally(() => void (this.#isWriting = false));
  }
}

/**
 * A file on disk that only this user can read.
 *
 * @param path the file, in a folder that only this process writes
 */
export function memberFile(path: string): MemberFile {
  return {
    read() {
      try {
        const { size } = Deno.statSync(path);
        if (size > maxBytes) {
          throw new Error(`${path} has ${size} bytes, at most ${maxBytes} are read`);
        }
        return Deno.readTextFileSync(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
    async write(text) {
      const unfinished = `${path}.new`;
      {
        using file = await Deno.open(unfinished, {
          write: true,
          create: true,
          truncate: true,
          mode: 0o600,
        });
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.syncData();
      }
      await Deno.rename(unfinished, path);
    },
  };
}
