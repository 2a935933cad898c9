/**
 * Long computations on the main thread, split into slices between which the event loop can run.
 *
 * @module
 */

/** Pending computation. */
interface Work {
  readonly step: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Runs computations in slices: one slice of one computation in each turn of the event loop, round robin. */
export class Slices {
  readonly #waiting: Work[] = [];

  /**
   * Runs a computation.
   *
   * @param step computes for a few milliseconds; returns true when the computation is complete
   * @returns resolves when the computation is complete; rejects with the error that `step` throws
   */
  run(step: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ step, resolve, reject });
    if (this.#waiting.length === 1) this.#schedule();
    return promise;
  }

  #schedule(): void {
    setTimeout(() => {
      // The computation stays first in the queue during its slice, so no second turn is scheduled.
      const work = this.#waiting[0]!;
      const isLeft = this.#slice(work);
      this.#waiting.shift();
      if (isLeft) this.#waiting.push(work);
      if (this.#waiting.length > 0) this.#schedule();
    }, 0);
  }

  #slice({ step, resolve, reject }: Work): boolean {
    try {
      if (!step()) return true;
      resolve();
    } catch (error) {
      reject(error);
    }
    return false;
  }
}

/** Slices of this process, whose computations share one thread and therefore the turns. */
export const slices: Slices = new Slices();

/** Bytes that are processed in one slice: a few milliseconds for any kind of processing. */
export const sliceBytes = 1 << 18;

/**
 * Runs a computation of any length: its first slice at once, each of the others in its own turn.
 *
 * @param step step as in {@link Slices.run}
 */
export async function inSlices(step: () => boolean): Promise<void> {
  if (!step()) await slices.run(step);
}
