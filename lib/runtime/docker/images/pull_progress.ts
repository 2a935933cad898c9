/**
 * How far a pull is, put together from what the engine tells layer by layer.
 *
 * @module
 */

import type { ProgressEvent } from "../engine/progress.ts";

interface Layer {
  readonly got: number;
  readonly all: number;
}

/** The state of one pull. Layers count once their size is known, so `percent` may fall. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();

  /** Takes note of an event. */
  note({ id, status, progressDetail }: ProgressEvent): void {
    if (id === undefined) return;
    const { current, total } = progressDetail ?? {};
    const layer = this.#layers.get(id);
    if (status === "Downloading" && current !== undefined && total) {
      this.#layers.set(id, { got: Math.min(current, total), all: total });
    } else if (status !== "Downloading" && layer) {
      // Verified, unpacked or done: all of it has come.
      this.#layers.set(id, { got: layer.all, all: layer.all });
    }
  }

  /** How much has come of what is known to come, 0 to 100. */
  get percent(): number {
    const { got, all } = this.#sum();
    return all === 0 ? 0 : Math.floor(100 * got / all);
  }

  /** What is under way, in words. */
  get message(): string {
    const { got, all } = this.#sum();
    if (all === 0) return "asking the image's registry";
    if (got === all) return `unpacking ${megabytes(all)} MB`;
    return `${megabytes(got)} of ${megabytes(all)} MB`;
  }

  #sum(): Layer {
    let got = 0;
    let all = 0;
    for (const layer of this.#layers.values()) {
      got += layer.got;
      all += layer.all;
    }
    return { got, all };
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
