/**
 * Records of the images that this node has pulled or used and may remove, kept in a file.
 *
 * @module
 */

import * as v from "valibot";
import { logger } from "../base/log.ts";
import type { TextFile } from "../base/text_file.ts";
import { wireNames } from "../json/wire_names.ts";
import { familiarName } from "./reference.ts";

/** Maximum number of records. The oldest is dropped first; the node then no longer removes its image. */
const maxEntries = 1000;

const entrySchema = v.object({
  /** Familiar name of the image. */
  Image: v.string(),
  /** Its id at that time; if it differs now, another image has the name. */
  Id: v.string(),
  /** True if this node pulled it, false if functions only used it. */
  Pulled: v.boolean(),
});
const { fromWire, toWire } = wireNames(entrySchema);
const fileSchema = v.array(v.pipe(entrySchema, v.transform(fromWire)));

/** Record of an image. */
export type ImageRecord = v.InferOutput<typeof fileSchema>[number];

const log = logger("runtime");

/** Records of a node's images. */
export class ImageRecords {
  readonly #file: TextFile;
  readonly #entries: Map<string, ImageRecord>;

  /**
   * Reads the records from the file. An unreadable file counts as empty, so too few images are removed,
   * never too many.
   */
  constructor(file: TextFile) {
    this.#file = file;
    this.#entries = new Map(readEntries(file).map((entry) => [entry.image, entry]));
  }

  /** All records, oldest first. */
  get entries(): ImageRecord[] {
    return [...this.#entries.values()];
  }

  /** Returns the record of an image. */
  get(image: string): ImageRecord | undefined {
    return this.#entries.get(familiarName(image));
  }

  /**
   * Records that an image was pulled or used.
   *
   * @param pulled true if this node pulled it
   */
  note(image: string, id: string, pulled: boolean): void {
    const name = familiarName(image);
    const known = this.#entries.get(name);
    const same = known?.id === id;
    if (same && (known.pulled || !pulled)) return;
    this.#entries.delete(name);
    this.#entries.set(name, { image: name, id, pulled });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > maxEntries && oldest !== undefined) this.#entries.delete(oldest);
    this.#save();
  }

  /** Removes the record of an image. */
  forget(image: string): void {
    if (this.#entries.delete(familiarName(image))) this.#save();
  }

  #save(): void {
    try {
      this.#file.write(JSON.stringify(this.entries.map(toWire), null, 1));
    } catch (error) {
      log.warn("Cannot save the image records: {reason}", {
        reason: (error as Error).message,
      });
    }
  }
}

function readEntries(file: TextFile): ImageRecord[] {
  try {
    const text = file.read();
    return text === undefined ? [] : v.parse(fileSchema, JSON.parse(text));
  } catch (error) {
    log.warn("Cannot read the image records; starting without any: {reason}", {
      reason: (error as Error).message,
    });
    return [];
  }
}
