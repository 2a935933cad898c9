/**
 * Intake of an executor's output. It assigns output to calls, keeps it until there is a listener, and
 * slows down an executor that floods the node.
 *
 * @module
 */

import { pause } from "../../base/async.ts";

/** Receives the id of the call that wrote a text, or null if the call is unknown. */
export type OutputListener = (id: string | null, text: string) => void;

/** Characters within one burst after which reading pauses, and the length of burst and pause. */
const burstChars = 1 << 20;
const burstMs = 50;
/** Maximum number of recently ended calls that are remembered: their threads and timers may still write. */
const maxEnded = 64;
/** Maximum number of pieces of output that are kept before there is a listener. */
const maxEarly = 100;

/** Receives the output of one executor. */
export class OutputIntake {
  /** Ids of recently ended calls, as a ring buffer. */
  readonly #ended: string[] = [];
  #endedCount = 0;
  readonly #early: (readonly [id: string | null, text: string])[] = [];
  #listener: OutputListener | undefined;
  #burst = 0;
  #burstStart = 0;

  /** Passes output to a listener, beginning with the output that was kept. */
  listen(listener: OutputListener): void {
    this.#listener = listener;
    for (const [id, text] of this.#early.splice(0)) listener(id, text);
  }

  /** Records that a call has ended. */
  ended(id: string): void {
    this.#ended[this.#endedCount++ % maxEnded] = id;
  }

  /**
   * Receives a piece of output.
   *
   * @param id the call that the executor names
   * @param text the output
   * @param isUnderWay true if that call has no reply yet
   */
  receive(id: string | null, text: string, isUnderWay: boolean): void {
    // An executor may name only its own calls, not those of another executor.
    const isOwn = isUnderWay || (id !== null && this.#ended.includes(id));
    this.handOn(isOwn ? id : null, text);
    const now = performance.now();
    if (now - this.#burstStart > burstMs) {
      this.#burstStart = now;
      this.#burst = 0;
    }
    this.#burst += text.length;
  }

  /** Passes output to the listener, or keeps it until there is one. */
  handOn(id: string | null, text: string): void {
    if (this.#listener) this.#listener(id, text);
    else if (this.#early.length < maxEarly) this.#early.push([id, text]);
  }

  /** True if the executor has written more than the maximum of a burst. */
  get isFlooded(): boolean {
    return this.#burst > burstChars;
  }

  /** Pauses reading, so the executor has to wait. */
  async drain(): Promise<void> {
    this.#burst = 0;
    await pause(burstMs);
  }
}
