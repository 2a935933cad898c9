/**
 * Standard input and output of WebAssembly modules.
 *
 * @module
 */

import { Fd, wasi } from "@bjorn3/browser_wasi_shim";
import type { CallOutput } from "../output.ts";

/** Output up to this size is not copied. */
const shortBytes = 1 << 14;

/** Says that a module wrote more than it may. */
export class OutputLimit extends Error {
  /** The class. */
  override readonly name = "OutputLimit";
}

/** A stream, neither file nor terminal. */
export abstract class Stream extends Fd {
  /**
   * Moves bytes between the stream and a module's memory.
   *
   * @param bytes a piece of the memory
   * @returns how many were moved; undefined if the stream does not go that way
   */
  read(_bytes: Uint8Array): number | undefined {
    return undefined;
  }

  /** See {@link Stream.read}. */
  write(_bytes: Uint8Array): number | undefined {
    return undefined;
  }

  /** Tells what kind of file it is. */
  override fd_fdstat_get(): { ret: number; fdstat: wasi.Fdstat } {
    return { ret: wasi.ERRNO_SUCCESS, fdstat: new wasi.Fdstat(wasi.FILETYPE_UNKNOWN, 0) };
  }

  /** Tells its size, which nobody knows. */
  override fd_filestat_get(): { ret: number; filestat: wasi.Filestat } {
    return { ret: wasi.ERRNO_SUCCESS, filestat: new wasi.Filestat(0n, wasi.FILETYPE_UNKNOWN, 0n) };
  }

  /** Refuses: a stream has no places. */
  override fd_seek(): { ret: number; offset: bigint } {
    return { ret: wasi.ERRNO_SPIPE, offset: 0n };
  }

  /** Refuses: a stream has no places. */
  override fd_tell(): { ret: number; offset: bigint } {
    return { ret: wasi.ERRNO_SPIPE, offset: 0n };
  }
}

/** Standard input that gives bytes once. */
export class Input extends Stream {
  #bytes = new Uint8Array();
  #at = 0;

  /** Gives other bytes from now on. */
  set(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#at = 0;
  }

  /** Takes the next bytes; none at the end. */
  override read(bytes: Uint8Array): number {
    const data = this.#bytes.subarray(this.#at, this.#at + bytes.length);
    bytes.set(data);
    this.#at += data.length;
    return data.length;
  }
}

/** Output that is sent to the node when it is written. */
export class PassedOn extends Stream {
  readonly #fd: number;
  /** Takes it. */
  output: CallOutput | undefined;

  /** @param fd which stream it is */
  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  /** Passes bytes on. */
  override write(data: Uint8Array): number {
    this.output?.writeBytes(this.#fd, data);
    return data.length;
  }
}

/** Output that is kept in memory. */
export class Result extends Stream {
  /** Holds what is short, as nearly all of it is: the other costs a microsecond more for each call. */
  readonly #short: Uint8Array<ArrayBuffer>;
  /** Grows in place and shrinks at once, where copies would wait for the garbage collector. */
  readonly #long: ArrayBuffer;
  #length = 0;

  /** @param maxBytes most bytes that are kept */
  constructor(maxBytes: number) {
    super();
    this.#short = new Uint8Array(Math.min(shortBytes, maxBytes));
    this.#long = new ArrayBuffer(0, { maxByteLength: maxBytes });
  }

  /** What was written since the last {@link Result.clear}; valid until the next. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#isShort(this.#length)) return this.#short.subarray(0, this.#length);
    return new Uint8Array(this.#long, 0, this.#length).slice();
  }

  /** Forgets what was written. */
  clear(): void {
    this.#length = 0;
    if (this.#long.byteLength > 0) this.#long.resize(0);
  }

  /**
   * Keeps bytes.
   *
   * @throws {OutputLimit} where they are too many
   */
  override write(data: Uint8Array): number {
    const { maxByteLength } = this.#long;
    if (data.length > maxByteLength - this.#length) throw new OutputLimit();
    const length = this.#length + data.length;
    if (this.#isShort(length)) this.#short.set(data, this.#length);
    else {
      this.#reserve(length);
      const long = new Uint8Array(this.#long);
      if (this.#isShort(this.#length)) long.set(this.#short.subarray(0, this.#length));
      long.set(data, this.#length);
    }
    this.#length = length;
    return data.length;
  }

  #isShort(length: number): boolean {
    return length <= this.#short.length;
  }

  #reserve(needed: number): void {
    const { byteLength, maxByteLength } = this.#long;
    if (needed <= byteLength) return;
    this.#long.resize(Math.min(maxByteLength, Math.max(needed, byteLength * 2)));
  }
}
