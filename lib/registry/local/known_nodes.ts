/**
 * Last known nodes of a cluster, stored on this node's disk. Nodes that start while the registry is
 * unavailable find each other by these records.
 *
 * @module
 */

import * as v from "valibot";
import type { Clock } from "../../base/clock.ts";
import { logger } from "../../base/log.ts";
import type { TextFile } from "../../base/text_file.ts";
import { nodeNames, type NodeRecord, storedNodeSchema } from "../../model/node.ts";
import { parseRecord } from "../records.ts";

/** Time for which changes are collected before they are written, ms; nodes often change together. */
const gatherMs = 500;

const fileSchema = v.array(storedNodeSchema);

/** Stored records of the known nodes. Disposal writes pending changes. */
export class KnownNodes implements Disposable {
  readonly #file: TextFile;
  readonly #clock: Clock;
  #unwritten: readonly NodeRecord[] | undefined;
  #cancel: (() => void) | undefined;

  /**
   * Creates a store that has read and written nothing.
   *
   * @param file stores the records
   * @param clock times the writes
   */
  constructor(file: TextFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Reads the last known nodes; empty if the file is unreadable. */
  read(): NodeRecord[] {
    try {
      const text = this.#file.read();
      if (text === undefined) return [];
      const read = parseRecord(fileSchema, text);
      if ("record" in read) return read.record;
      throw new Error(read.problem);
    } catch (error) {
      warn("Cannot read the known nodes; waiting for the registry: {reason}", error);
      return [];
    }
  }

  /** Replaces the stored nodes. */
  keep(records: readonly NodeRecord[]): void {
    this.#unwritten = records;
    this.#cancel ??= this.#clock.after(gatherMs, () => this[Symbol.dispose]());
  }

  /** Writes pending changes. */
  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const records = this.#unwritten;
    this.#unwritten = undefined;
    if (!records) return;
    try {
      this.#file.write(JSON.stringify(records.map(nodeNames.toWire)));
    } catch (error) {
      warn("Cannot store the known nodes on disk: {reason}", error);
    }
  }
}

function warn(text: string, error: unknown): void {
  logger("registry").warn(text, { reason: (error as Error).message });
}
