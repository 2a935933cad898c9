/**
 * Which code functions still have: what is kept of any other code on this machine can go.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import type { Catalog, CatalogListener } from "../catalog.ts";

/** Counts the functions of each code, as the catalog knows them. */
export class CodeReferences implements Disposable {
  readonly #catalog: Pick<Catalog, "isComplete">;
  readonly #hashes = new Map<string, string>();
  readonly #functions = new Map<string, number>();
  readonly #listeners = new Set<(hash: string) => void>();
  readonly #following: Disposable;

  /**
   * Follows a catalog.
   *
   * @param catalog knows the functions
   */
  constructor(catalog: Pick<Catalog, "isComplete" | "list" | "onChange">) {
    this.#catalog = catalog;
    for (const record of catalog.list()) this.#changed(record.Name, record);
    this.#following = catalog.onChange((name, record) => this.#changed(name, record));
  }

  /**
   * True if a function has this code, or may have it: as long as the registry has not told all.
   *
   * @param hash of the code
   */
  has(hash: string): boolean {
    return !this.#catalog.isComplete || this.#functions.has(hash);
  }

  /**
   * Tells each code whose last function is gone.
   *
   * @param listener gets its hash
   * @returns stops it
   */
  onUnreferenced(listener: (hash: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Stops following. */
  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }

  readonly #changed: CatalogListener = (name, record: FunctionRecord | undefined) => {
    const [former, hash] = [this.#hashes.get(name) ?? "", record?.CodeHash ?? ""];
    if (record) this.#hashes.set(name, hash);
    else this.#hashes.delete(name);
    if (former === hash) return;
    if (hash !== "") this.#functions.set(hash, (this.#functions.get(hash) ?? 0) + 1);
    if (former === "") return;
    const left = this.#functions.get(former)! - 1;
    if (left > 0) return void this.#functions.set(former, left);
    this.#functions.delete(former);
    for (const listener of this.#listeners) listener(former);
  };
}
