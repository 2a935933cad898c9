/**
 * Distinguishes a client that has disconnected from one that has only closed its sending side, which
 * it may do after its last request. A read returns the same for both, but a write to the first causes
 * a reset. So the first bytes of the response, which are known in advance, are sent one by one at
 * growing intervals. A client that is still connected receives the beginning of its response.
 *
 * @module
 */

import { latin1Bytes } from "../latin1.ts";
import type { Input } from "../input.ts";

/** Delay of each byte after the previous one, ms. */
const probeDelaysMs = [0, 10, 50, 200, 1_000, 5_000, 20_000, 60_000, 300_000];

/** Watches the client of one connection while a request is in progress. */
export class ClientWatch {
  readonly #input: Input;
  readonly #write: (bytes: Uint8Array) => Promise<unknown>;
  readonly #left: () => void;
  #listeners: (() => void)[] = [];
  #isWatching = false;
  #hasEnded = false;
  #hasLeft = false;
  /** Text that may be sent early; `#sent` counts its sent characters. */
  #probe = "";
  #sent = 0;
  #timer: number | undefined;
  #sending: Promise<unknown> | undefined;

  /**
   * Creates a watch that has not begun.
   *
   * @param input input of the connection
   * @param write sends bytes to the client
   * @param left called when the client has disconnected, before the listeners
   */
  constructor(
    input: Input,
    write: (bytes: Uint8Array) => Promise<unknown>,
    left: () => void,
  ) {
    this.#input = input;
    this.#write = write;
    this.#left = left;
  }

  /** True once the client has disconnected. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Starts to watch the client of a request that was read completely. */
  begin(): void {
    this.#isWatching = true;
    if (this.#hasEnded) this.#probeLater();
    else this.#readAhead();
  }

  /** Stops watching and removes all listeners, since the request has ended. */
  end(): void {
    this.#isWatching = false;
    if (this.#listeners.length > 0) this.#listeners = [];
  }

  /**
   * Subscribes to a client disconnect.
   *
   * @param listener called once if the client disconnects before the request has ended
   */
  onDisconnect(listener: () => void): void {
    if (this.#hasLeft) queueMicrotask(listener);
    else this.#listeners.push(listener);
  }

  /**
   * Allows the first characters of the next output to be sent early.
   *
   * @param text first characters of the next output
   */
  allow(text: string): void {
    this.#probe = text;
    this.#sent = 0;
    if (this.#hasEnded) this.#probeLater();
  }

  /**
   * Ends the early output that {@link ClientWatch.allow} allowed.
   *
   * @returns number of characters that were sent
   */
  settle(): number | Promise<number> {
    this.#probe = "";
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    return this.#sending ? this.#sending.then(() => this.#sent) : this.#sent;
  }

  /** Marks the client as disconnected and calls the listeners. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    void this.settle();
    this.#left();
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  #readAhead(): void {
    this.#input.ahead()?.then((isMore) => {
      if (isMore) {
        if (this.#isWatching) this.#readAhead();
        return;
      }
      this.#hasEnded = true;
      if (this.#isWatching) this.#probeLater();
    }, () => this.leave());
  }

  #probeLater(): void {
    if (this.#timer !== undefined || this.#sent >= this.#probe.length || this.#hasLeft) return;
    this.#timer = setTimeout(() => void this.#sendProbe(), probeDelaysMs[this.#sent]);
  }

  async #sendProbe(): Promise<void> {
    const bytes = latin1Bytes(this.#probe.charAt(this.#sent));
    this.#sending = this.#write(bytes).then(() => {
      this.#sent++;
    }, () => this.leave());
    await this.#sending;
    this.#sending = undefined;
    this.#timer = undefined;
    this.#probeLater();
  }
}
