/**
 * Distinguishes a client that has disconnected from one that has only closed its sending side, as it
 * may after its last request. Both look the same to a reader, but a write to the first causes a
 * reset. So the first bytes of the response, which are known in advance, are sent one by one at
 * growing intervals: a client that is still connected gets the beginning of its response.
 *
 * @module
 */

import { latin1Bytes } from "../latin1.ts";
import type { Input } from "../input.ts";

/** When the next byte is sent, after the one before, ms. */
const probeDelaysMs = [0, 10, 50, 200, 1_000, 5_000, 20_000, 60_000, 300_000];

/** Watches the client of one connection while a request of it is under way. */
export class ClientWatch {
  readonly #input: Input;
  readonly #write: (bytes: Uint8Array) => Promise<unknown>;
  readonly #left: () => void;
  #listeners: (() => void)[] = [];
  #isWatching = false;
  #hasEnded = false;
  #hasLeft = false;
  /** What may be sent ahead, and how much of it was. */
  #probe = "";
  #sent = 0;
  #timer: number | undefined;
  #sending: Promise<unknown> | undefined;

  /**
   * @param input what the client sends
   * @param write sends to it
   * @param left called first when the client has disconnected
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

  /** Begins to watch for a request, of which all was read. */
  begin(): void {
    this.#isWatching = true;
    if (this.#hasEnded) this.#probeLater();
    else this.#readAhead();
  }

  /** The request is over: nobody wants to know any more. */
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
   * Allows to send the beginning of what will be sent next.
   *
   * @param text its first characters
   */
  allow(text: string): void {
    this.#probe = text;
    this.#sent = 0;
    if (this.#hasEnded) this.#probeLater();
  }

  /**
   * Ends what {@link ClientWatch.allow} began.
   *
   * @returns how many of the characters were sent
   */
  settle(): number | Promise<number> {
    this.#probe = "";
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    return this.#sending ? this.#sending.then(() => this.#sent) : this.#sent;
  }

  /** The connection is broken. */
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
