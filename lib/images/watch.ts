/**
 * Keeps what is known of the images on an engine current: others pull and remove them, too.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** How often is looked, ms. */
const lookEveryMs = 15_000;

/** Looks from time to time until disposed. */
export class ImageWatch implements Disposable {
  readonly #images: { look(): Promise<void> };
  readonly #clock: Clock;
  #cancel: () => void = () => {};
  #stopped = false;

  /**
   * A watch; it looks for the first time at once, in the background.
   *
   * @param images looks; never rejects
   * @param clock the node's
   */
  constructor(images: { look(): Promise<void> }, clock: Clock) {
    this.#images = images;
    this.#clock = clock;
    void this.#look();
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    await this.#images.look();
    if (!this.#stopped) this.#cancel = this.#clock.after(lookEveryMs, () => void this.#look());
  }
}
