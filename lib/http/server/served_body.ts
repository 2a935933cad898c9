/**
 * The body of a request that is being served.
 *
 * @module
 */

import { IncomingBody, tooLong } from "../body.ts";
import type { Framing } from "../head.ts";
import type { Input } from "../input.ts";

/** Listener for the progress of reading a body. */
export interface BodyReading {
  /** The client is waited for. */
  waits(): Promise<void> | undefined;
  /** So many bytes have come. */
  progressed(bytes: number): void;
  /** All has been taken. */
  ended(): void;
}

const decoder = new TextDecoder();

/** Reads a body from the connection, mostly from what came with the head. */
export class ServedBody extends IncomingBody {
  readonly #reading: BodyReading;
  #isEndReported: boolean;

  /**
   * @param input where it comes from, its head just read
   * @param framing how it is delimited
   */
  constructor(input: Input, framing: Framing, reading: BodyReading) {
    super(input, framing, true);
    this.#reading = reading;
    this.#isEndReported = this.hasEnded;
  }

  /** Part of {@link IncomingBody}. */
  override async part(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#isEndReported) return undefined;
    await this.#reading.waits();
    const part = await super.part();
    if (part) this.#reading.progressed(part.length);
    else this.#end();
    return part;
  }

  /** Part of {@link IncomingBody}. */
  override async whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#taken(maxBytes, (bytes) => bytes.slice()) ?? await super.whole(maxBytes);
  }

  /** Part of {@link IncomingBody}. */
  override async text(maxBytes: number): Promise<string> {
    return this.#taken(maxBytes, (bytes) => decoder.decode(bytes)) ?? await super.text(maxBytes);
  }

  /** Reads the rest of the body and discards it. */
  async skip(): Promise<void> {
    while (await super.part());
  }

  /** All of it, if it has come already; `copy` has the bytes before more is read in their place. */
  #taken<T>(maxBytes: number, copy: (bytes: Uint8Array<ArrayBuffer>) => T): T | undefined {
    if ((this.length ?? 0) > maxBytes) throw tooLong(maxBytes);
    const bytes = this.takeWhole();
    if (!bytes) return undefined;
    const copied = copy(bytes);
    this.#end();
    return copied;
  }

  /** From here on, more may be read in the place of the last part. */
  #end(): void {
    if (this.#isEndReported) return;
    this.#isEndReported = true;
    this.#reading.ended();
  }
}
