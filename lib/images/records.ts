/**
 * Which images this node has fetched, and which its functions have used: those that it may remove
 * again. Kept in a file, so that a restarted node still knows.
 *
 * @module
 */

import * as v from "valibot";
import { logger } from "../base/log.ts";
import type { TextFile } from "../base/text_file.ts";
import { wireNames } from "../json/wire_names.ts";
import { familiarName } from "./reference.ts";

/** Most images that are remembered; of more, those noted first are forgotten, and never removed. */
const maxEntries = 1000;

const entrySchema = v.object({
  /** The image's familiar name. */
  Image: v.string(),
  /** Its id when it was noted: another one has been put under the name if it differs. */
  Id: v.string(),
  /** True if this node has fetched it; else its functions have used it. */
  Pulled: v.boolean(),
});
const { fromWire, toWire } = wireNames(entrySchema);
const fileSchema = v.array(v.pipe(entrySchema, v.transform(fromWire)));

/** What is remembered of one image. */
export type BookEntry = v.InferOutput<typeof fileSchema>[number];

const log = logger("runtime");

/** The node's memory of images. */
export class ImageBook {
  readonly #file: TextFile;
  readonly #entries: Map<string, BookEntry>;

  /** @param file where it is kept */
  constructor(file: TextFile) {
    this.#file = file;
    this.#entries = new Map(readEntries(file).map((entry) => [entry.image, entry]));
  }

  /** All that is remembered, what was noted first first. */
  get entries(): BookEntry[] {
    return [...this.#entries.values()];
  }

  /** What is remembered of an image. */
  get(image: string): BookEntry | undefined {
    return this.#entries.get(familiarName(image));
  }

  /**
   * An image was fetched, or is used.
   *
   * @param pulled true if this node has fetched it now
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

  /** An image is gone, or is none of ours any more. */
  forget(image: string): void {
    if (this.#entries.delete(familiarName(image))) this.#save();
  }

  #save(): void {
    try {
      this.#file.write(JSON.stringify(this.entries.map(toWire), null, 1));
    } catch (error) {
      log.warn("Cannot remember which images were used: {reason}", {
        reason: (error as Error).message,
      });
    }
  }
}

function readEntries(file: TextFile): BookEntry[] {
  try {
    const text = file.read();
    return text === undefined ? [] : v.parse(fileSchema, JSON.parse(text));
  } catch (error) {
    log.warn("Cannot read which images were used, beginning anew: {reason}", {
      reason: (error as Error).message,
    });
    return [];
  }
}
