/**
 * Which runtimes and functions of a node have what they need of images, known in memory: for
 * decisions of this node, and for its neighbours.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import { type Imaged, imageOf, needOf } from "./needs.ts";
import type { Runtime } from "../model/runtimes.ts";

/** What a stock looks at. */
export interface StockSources {
  /** Ids of the node's runtimes. */
  readonly runtimes: Iterable<string>;
  /** The runtime that a function's `Runtime` means on this node. */
  readonly runtimeOf: (id: string) => Runtime | undefined;
  /** Whether an image is there; undefined: not known. Cheap. */
  readonly isPresent: (image: string) => boolean | undefined;
}

/** A need, and how many functions have it; infinite for those of runtimes. */
interface Need {
  readonly fn: Imaged;
  count: number;
}

/** The stock of a node. */
export class ImageStock {
  readonly #sources: StockSources;
  /** Few, however many functions there are: most share the image of their runtime. */
  readonly #needs = new Map<string, Need>();

  constructor(sources: StockSources) {
    this.#sources = sources;
    for (const id of sources.runtimes) {
      const fn = { runtime: id, customImage: "" };
      this.#needs.set(needOf(fn), { fn, count: Infinity });
    }
  }

  /**
   * A function was created, updated or deleted.
   *
   * @param former what it was; undefined if it is new
   * @param record what it is; undefined if it is gone
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
   * Whether a function's instances can be started without an image being fetched: the image is there,
   * or it needs none, or it is not known yet.
   *
   * @returns false too where this node has no such runtime
   */
  has(fn: Imaged): boolean {
    const runtime = this.#sources.runtimeOf(fn.runtime);
    if (!runtime) return false;
    const image = imageOf(fn, runtime);
    return image === "" || this.#sources.isPresent(image) !== false;
  }

  /** What runtimes and functions need (`needOf`) and is there. */
  get met(): string[] {
    return this.#select(true);
  }

  /** What runtimes and functions need (`needOf`) and is not there. */
  get unmet(): string[] {
    return this.#select(false);
  }

  #select(met: boolean): string[] {
    return [...this.#needs].filter(([, { fn }]) => this.has(fn) === met).map(([need]) => need);
  }
}
