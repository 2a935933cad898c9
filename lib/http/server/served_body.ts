/**
 * Body of a request that the server is processing.
 *
 * @module
 */

import { IncomingBody, tooLong } from "../body.ts";
import type { Framing } from "../head.ts";
import type { Input } from "../input.ts";

/** Listener for the progress of reading a body. */
export interface BodyReading {
  /** Called when reading waits for the client. */
  waits(): Promise<void> | undefined;
  /** Called with the number of bytes that have arrived. */
  progressed(bytes: number): void;
  /** Called when the whole body was read. */
  ended(): void;
}

const decoder = new TextDecoder();

/** Reads a body from the connection, usually from the bytes that arrived with the head. */
export class ServedBody extends IncomingBody {
  readonly #reading: BodyReading;
  #isEndReported: boolean;

  /**
   * Creates a body of which nothing has been read.
   *
   * @param input input of the connection, directly after the head
   * @param framing how the body is delimited
   * @param reading listener for the progress
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

  /** Copies the whole body if it has arrived. `copy` runs before the buffer is reused. */
  #taken<T>(maxBytes: number, copy: (bytes: Uint8Array<ArrayBuffer>) => T): T | undefined {
    if ((this.length ?? 0) > maxBytes) throw tooLong(maxBytes);
    const bytes = this.takeWhole();
    if (!bytes) return undefined;
    const copied = copy(bytes);
    this.#end();
    return copied;
  }

  /** Reports the end once. After this, the buffer of the last part may be reused. */
  #end(): void {
    if (this.#isEndReported) return;
    this.#isEndReported = true;
    this.#reading.ended();
  }
}
