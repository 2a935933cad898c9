/**
 * Tells the parts of a node what becomes of functions.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Catalog } from "../registry/catalog.ts";

/**
 * Hears of a function.
 *
 * @param name its name
 * @param former what it was; undefined if it is new
 * @param record what it is; undefined if it was deleted
 */
export type FunctionListener = (
  name: string,
  former: FunctionRecord | undefined,
  record: FunctionRecord | undefined,
) => void;

/** Each function, and each change together with what the function was before. */
export class FunctionChanges implements Disposable {
  readonly #known = new Map<string, FunctionRecord>();
  readonly #listeners: FunctionListener[] = [];
  readonly #subscription: Disposable;

  /**
   * Follows a catalog.
   *
   * @param catalog all functions
   */
  constructor(catalog: Pick<Catalog, "list" | "onChange">) {
    for (const record of catalog.list()) this.#known.set(record.Name, record);
    this.#subscription = catalog.onChange((name, record) => this.#changed(name, record));
  }

  /**
   * Adds a listener, which hears at once of the functions that exist. Listeners hear of a change in
   * the order in which they were added.
   */
  on(listener: FunctionListener): void {
    this.#listeners.push(listener);
    for (const [name, record] of this.#known) listener(name, undefined, record);
  }

  /** Tells nobody anything any more. */
  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  #changed(name: string, record: FunctionRecord | undefined): void {
    const former = this.#known.get(name);
    if (record) this.#known.set(name, record);
    else this.#known.delete(name);
    for (const listener of this.#listeners) listener(name, former, record);
  }
}
