/**
 * Tracks the code that functions have. Other code on this machine can be removed.
 *
 * @module
 */

import { Listeners } from "../../base/listeners.ts";
import type { Catalog } from "../catalog.ts";

/** Counts the functions of each code in the catalog. */
export class CodeReferences implements Disposable {
  readonly #catalog: Pick<Catalog, "isComplete">;
  readonly #functions = new Map<string, number>();
  readonly #listeners = new Listeners<(hash: string) => void>("registry");
  readonly #following: Disposable;

  /**
   * Counts the functions in the catalog, and follows its changes.
   *
   * @param catalog contains the functions
   */
  constructor(catalog: Pick<Catalog, "isComplete" | "follow">) {
    this.#catalog = catalog;
    this.#following = catalog.follow((_, record, former) => {
      this.#changed(former?.codeHash ?? "", record?.codeHash ?? "");
    });
  }

  /** Returns true if a function has this code, or may have it because the catalog is incomplete. */
  has(hash: string): boolean {
    return !this.#catalog.isComplete || this.#functions.has(hash);
  }

  /**
   * Subscribes to code that no function has any more.
   *
   * @param listener receives the hash
   * @returns the subscription, which disposal ends
   */
  onUnreferenced(listener: (hash: string) => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Stops following. */
  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }

  #changed(former: string, hash: string): void {
    if (former === hash) return;
    if (hash !== "") this.#functions.set(hash, (this.#functions.get(hash) ?? 0) + 1);
    if (former === "") return;
    const left = this.#functions.get(former)! - 1;
    if (left > 0) return void this.#functions.set(former, left);
    this.#functions.delete(former);
    this.#listeners.each((listener) => listener(former));
  }
}
