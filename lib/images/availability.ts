/**
 * Availability of the images that runtimes and functions of a node require, in memory, for decisions of this
 * node and of its peers.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import { type Imaged, imageOf, needOf } from "./needs.ts";
import type { Runtime } from "../model/runtimes.ts";

/** Dependencies of the availability. */
export interface AvailabilitySources {
  /** Ids of the runtimes. */
  readonly runtimes: Iterable<string>;
  /** Finds the runtime of a function. */
  readonly runtimeOf: (id: string) => Runtime | undefined;
  /** Whether an image is present; undefined if unknown. Cheap. */
  readonly isPresent: (image: string) => boolean | undefined;
}

/** A requirement and the number of functions that have it; infinite for those of runtimes. */
interface Need {
  readonly fn: Imaged;
  count: number;
}

/** Availability of images on a node. */
export class ImageAvailability {
  readonly #sources: AvailabilitySources;
  /** Few, since most functions share the image of their runtime. */
  readonly #needs = new Map<string, Need>();

  /**
   * Requires the images of all runtimes, because peers should know about them before there are functions.
   */
  constructor(sources: AvailabilitySources) {
    this.#sources = sources;
    for (const id of sources.runtimes) {
      const fn = { runtime: id, customImage: "" };
      this.#needs.set(needOf(fn), { fn, count: Infinity });
    }
  }

  /**
   * Updates the requirements after a function was created, updated or deleted.
   *
   * @param former former record; undefined if the function is new
   * @param record current record; undefined if the function was deleted
   */
  changed(former: FunctionRecord | undefined, record: FunctionRecord | undefined): void {
    if (record) {
      const need = this.#needs.get(needOf(record));
      if (need) need.count++;
      else {
        const { runtime, customImage } = record;
        this.#needs.set(needOf(record), { fn: { runtime, customImage }, count: 1 });
      }
    }
    const left = former && this.#needs.get(needOf(former));
    if (left && --left.count === 0) this.#needs.delete(needOf(former));
  }

  /**
   * Whether a function can start without fetching an image: the image is present, not required, or its
   * state is unknown.
   *
   * @returns false also if this node does not have its runtime
   */
  has(fn: Imaged): boolean {
    const runtime = this.#sources.runtimeOf(fn.runtime);
    if (!runtime) return false;
    const image = imageOf(fn, runtime);
    return image === "" || this.#sources.isPresent(image) !== false;
  }

  /** Requirements (`needOf`) whose image is present. */
  get present(): string[] {
    return this.#select(true);
  }

  /** Requirements (`needOf`) whose image is missing. */
  get missing(): string[] {
    return this.#select(false);
  }

  #select(met: boolean): string[] {
    return [...this.#needs].filter(([, { fn }]) => this.has(fn) === met).map(([need]) => need);
  }
}
