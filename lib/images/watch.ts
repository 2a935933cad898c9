/**
 * Periodic update of the images on an engine, which others pull and remove, too.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** Interval, ms. */
const lookEveryMs = 15_000;

/** Periodic update until disposal. */
export class ImageWatch implements Disposable {
  readonly #images: { look(): Promise<void> };
  readonly #clock: Clock;
  #cancel: () => void = () => {};
  #stopped = false;

  /**
   * Starts the first update at once, in the background.
   *
   * @param images the images; the update never rejects
   */
  constructor(images: { look(): Promise<void> }, clock: Clock) {
    this.#images = images;
    this.#clock = clock;
    void this.#look();
  }

  /** Stops the updates. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    await this.#images.look();
    if (!this.#stopped) this.#cancel = this.#clock.after(lookEveryMs, () => void this.#look());
  }
}
