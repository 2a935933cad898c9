/**
 * Progress of a pull, computed from the engine's reports for each layer.
 *
 * @module
 */

import type { ProgressEvent } from "../engine/progress.ts";

interface Layer {
  readonly got: number;
  readonly all: number;
}

/** States of a layer in which the engine works on it without the registry. */
const localStates = new Set(["Verifying Checksum", "Extracting"]);
/** States of a layer that waits for another layer, of this pull or of another one. */
const waitingStates = new Set(["Waiting", "Download complete"]);
/** States of a layer whose bytes the registry has to send. */
const remoteStates = new Set(["Pulling fs layer", "Downloading"]);

/** Progress of one pull. A layer counts once its size is known, so `percent` may decrease. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  /** Last known states of the layers. */
  readonly #states = new Map<string, string>();

  /** Updates the progress by an event. */
  note({ id, status, progressDetail }: ProgressEvent): void {
    if (id === undefined) return;
    if (status !== undefined) this.#states.set(id, status);
    const { current, total } = progressDetail ?? {};
    const layer = this.#layers.get(id);
    if (status === "Downloading" && current !== undefined && total) {
      this.#layers.set(id, { got: Math.min(current, total), all: total });
    } else if (status !== "Downloading" && layer) {
      // The layer is verified, unpacked or done, so all of it has arrived.
      this.#layers.set(id, { got: layer.all, all: layer.all });
    }
  }

  /**
   * True if the engine needs nothing from the registry for this pull at present: it works on a layer, or
   * all layers that are not complete wait. It reports neither the waiting nor, on a slow disk, the work.
   */
  get mayBeSilent(): boolean {
    const states = new Set(this.#states.values());
    if (!states.isDisjointFrom(localStates)) return true;
    return !states.isDisjointFrom(waitingStates) && states.isDisjointFrom(remoteStates);
  }

  /** Percentage of the known bytes that have arrived, 0 to 100. */
  get percent(): number {
    const { got, all } = this.#sum();
    return all === 0 ? 0 : Math.floor(100 * got / all);
  }

  /** Description of the progress for users. */
  get message(): string {
    const { got, all } = this.#sum();
    if (all === 0) return "waiting for the image's registry";
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
