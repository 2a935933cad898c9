/**
 * Long work on the main thread, in slices between which the event loop can run.
 *
 * @module
 */

/** Pending work. */
interface Work {
  readonly step: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Does work in slices: in each turn of the event loop one slice of one piece of work, all in turns. */
export class Slices {
  readonly #waiting: Work[] = [];

  /**
   * Does some work.
   *
   * @param step does a few milliseconds of it; true when all is done
   * @returns when it is done; rejects with what `step` throws
   */
  run(step: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ step, resolve, reject });
    if (this.#waiting.length === 1) this.#schedule();
    return promise;
  }

  #schedule(): void {
    setTimeout(() => {
      // The work stays first in the queue meanwhile, so that no second turn is scheduled.
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

/** The slices of this process: its work shares one thread, so it shares the turns, too. */
export const slices: Slices = new Slices();

/** Bytes that are worked on in one slice: some milliseconds, whatever is done with each. */
export const sliceBytes = 1 << 18;

/**
 * Does work of any length: its first slice at once, the others each in its own turn.
 *
 * @param step as in {@link Slices.run}
 */
export async function inSlices(step: () => boolean): Promise<void> {
  if (!step()) await slices.run(step);
}
