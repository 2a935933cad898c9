/**
 * Output of an executor on its way to its keeper: assigned to calls, kept until there is a
 * listener, and held back when it floods the node.
 *
 * @module
 */

import { pause } from "../../base/async.ts";

/** Gets the id of the call that wrote a text, or null if no call is known. */
export type OutputListener = (id: string | null, text: string) => void;

/** Characters within one burst after which reading pauses, and the length of burst and pause. */
const burstChars = 1 << 20;
const burstMs = 50;
/** Calls that ended lately, whose threads and timers may still write. */
const maxEnded = 64;
/** Most pieces of output that are kept before there is a listener. */
const maxEarly = 100;

/** Takes in the output of one executor. */
export class OutputIntake {
  /** Ids of calls that ended lately, each in the place of an older one. */
  readonly #ended: string[] = [];
  #endedCount = 0;
  readonly #early: (readonly [id: string | null, text: string])[] = [];
  #listener: OutputListener | undefined;
  #burst = 0;
  #burstStart = 0;

  /** Hands output to a listener, what came before it first. */
  listen(listener: OutputListener): void {
    this.#listener = listener;
    for (const [id, text] of this.#early.splice(0)) listener(id, text);
  }

  /** Notes that a call has ended. */
  ended(id: string): void {
    this.#ended[this.#endedCount++ % maxEnded] = id;
  }

  /**
   * Takes a piece of output.
   *
   * @param id the call that the executor names
   * @param text what was written
   * @param isUnderWay true if that call has no reply yet
   */
  receive(id: string | null, text: string, isUnderWay: boolean): void {
    // An executor knows its own calls, and says nothing in the name of another's.
    const isOwn = isUnderWay || (id !== null && this.#ended.includes(id));
    this.handOn(isOwn ? id : null, text);
    const now = performance.now();
    if (now - this.#burstStart > burstMs) {
      this.#burstStart = now;
      this.#burst = 0;
    }
    this.#burst += text.length;
  }

  /** Hands output on, or keeps it for the listener to come. */
  handOn(id: string | null, text: string): void {
    if (this.#listener) this.#listener(id, text);
    else if (this.#early.length < maxEarly) this.#early.push([id, text]);
  }

  /** True if the executor writes faster than the node takes it. */
  get isFlooded(): boolean {
    return this.#burst > burstChars;
  }

  /** Lets the executor wait. */
  async drain(): Promise<void> {
    this.#burst = 0;
    await pause(burstMs);
  }
}
