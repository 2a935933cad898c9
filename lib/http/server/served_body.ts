/**
 * The body of a request that is being served.
 *
 * @module
 */

import { Body, type IncomingBody, tooLong } from "../body.ts";

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
export class ServedBody extends Body {
  readonly #body: IncomingBody;
  readonly #reading: BodyReading;
  #hasEnded: boolean;

  /**
   * A body of which nothing was read.
   *
   * @param body on the connection
   * @param reading told how it goes
   */
  constructor(body: IncomingBody, reading: BodyReading) {
    super();
    this.#body = body;
    this.#reading = reading;
    this.#hasEnded = body.hasEnded;
  }

  /** Part of {@link Body}. */
  override get length(): number | undefined {
    return this.#body.length;
  }

  /** Part of {@link Body}. */
  override async part(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#hasEnded) return undefined;
    await this.#reading.waits();
    const part = await this.#body.part();
    if (part) this.#reading.progressed(part.length);
    else this.#end();
    return part;
  }

  /** Part of {@link Body}. */
  override async whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#taken(maxBytes, (bytes) => bytes.slice()) ?? await super.whole(maxBytes);
  }

  /** Part of {@link Body}. */
  override async text(maxBytes: number): Promise<string> {
    return this.#taken(maxBytes, (bytes) => decoder.decode(bytes)) ?? await super.text(maxBytes);
  }

  /** All of it, if it has come already; `copy` has the bytes before more is read in their place. */
  #taken<T>(maxBytes: number, copy: (bytes: Uint8Array<ArrayBuffer>) => T): T | undefined {
    const { length } = this.#body;
    if (length !== undefined && length > maxBytes) throw tooLong(maxBytes);
    const bytes = this.#body.takeWhole();
    if (!bytes) return undefined;
    const copied = copy(bytes);
    this.#end();
    return copied;
  }

  /** From here on, more may be read in the place of the last part. */
  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#reading.ended();
  }
}
