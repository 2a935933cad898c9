/**
 * Detection of messages that were received before, in constant memory for each sender.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/** Numbers below the highest one that are still distinguished; messages overtake each other. */
const windowBits = 1 << 16;
/** Most senders whose numbers are remembered. */
const maxSenders = 4096;

/** Numbers of one sender that were received (as in RFC 4303 section 3.4.3). */
export class ReplayWindow {
  readonly #seen = new Uint8Array(windowBits / 8);
  #highest = -1;

  /**
   * Records a number.
   *
   * @param number a non-negative safe integer
   * @returns false if it was recorded before, or is too old to tell
   */
  add(number: number): boolean {
    if (number <= this.#highest - windowBits) return false;
    for (let next = Math.max(this.#highest + 1, number - windowBits + 1); next <= number; next++) {
      this.#seen[byteOf(next)]! &= ~bitOf(next);
    }
    this.#highest = Math.max(this.#highest, number);
    if ((this.#seen[byteOf(number)]! & bitOf(number)) !== 0) return false;
    this.#seen[byteOf(number)]! |= bitOf(number);
    return true;
  }
}

function byteOf(number: number): number {
  return (number % windowBits) >> 3;
}

function bitOf(number: number): number {
  return 1 << (number & 7);
}

/** Window of a sender. */
interface Sender {
  readonly window: ReplayWindow;
  /** When it was last used, on the node's clock, ms. */
  usedAt: number;
  /** Latest time of its messages, on its own clock, ms. */
  signedAt: number;
}

/** Numbers that were received from all senders. */
export class ReplayWindows {
  /** Senders, least recently used first. */
  readonly #senders = new Map<string, Sender>();
  readonly #maxSkewMs: number;
  readonly #clock: Clock;
  /** Latest time of the messages of forgotten senders. */
  #forgottenAt = -Infinity;

  /**
   * Creates windows that have received nothing.
   *
   * @param maxSkewMs how much the time of an accepted message may differ from the node's, ms
   * @param clock the node's
   */
  constructor(maxSkewMs: number, clock: Clock) {
    this.#maxSkewMs = maxSkewMs;
    this.#clock = clock;
  }

  /**
   * Records a message.
   *
   * @param id of the sender, another one after each of its restarts
   * @param number of the message, unique for the sender
   * @param signedAt time of the message on the sender's clock, ms
   * @returns false if it was recorded before, or it is unknown whether it was
   */
  add(id: string, number: number, signedAt: number): boolean {
    let sender = this.#senders.get(id);
    // A sender that was forgotten looks like a new one. Its old messages may be accepted again by
    // their time if this node's clock was set back.
    if (!sender && signedAt <= this.#forgottenAt) return false;
    sender ??= { window: new ReplayWindow(), usedAt: 0, signedAt };
    sender.signedAt = Math.max(sender.signedAt, signedAt);
    this.#use(id, sender);
    this.#forget();
    return sender.window.add(number);
  }

  #use(id: string, sender: Sender): void {
    sender.usedAt = this.#clock.now();
    this.#senders.delete(id);
    this.#senders.set(id, sender);
  }

  #forget(): void {
    const now = this.#clock.now();
    const wall = this.#clock.wall();
    for (const [id, sender] of this.#senders) {
      const isFull = this.#senders.size > maxSenders;
      if (now - sender.usedAt < 3 * this.#maxSkewMs && !isFull) return;
      if (sender.signedAt >= wall - this.#maxSkewMs && !isFull) {
        // Its clock is ahead, and its messages will be acceptable by their time.
        this.#use(id, sender);
        continue;
      }
      this.#senders.delete(id);
      // A clock that is far ahead must not lock the other senders out.
      if (sender.signedAt > wall + this.#maxSkewMs) continue;
      this.#forgottenAt = Math.max(this.#forgottenAt, sender.signedAt);
    }
  }
}
