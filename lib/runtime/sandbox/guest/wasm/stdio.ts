/**
 * Standard input and output of WebAssembly modules.
 *
 * @module
 */

import { Fd, wasi } from "@bjorn3/browser_wasi_shim";
import type { CallOutput } from "../output.ts";

/** Maximum size of output that is not copied, bytes. */
const shortBytes = 1 << 14;

/** Error: a module wrote more than it may. */
export class OutputLimit extends Error {
  override readonly name = "OutputLimit";
}

/** Stream that is neither file nor terminal. */
export abstract class Stream extends Fd {
  /**
   * Moves bytes between the stream and a module's memory.
   *
   * @param bytes part of the memory
   * @returns number of bytes moved; undefined if the stream does not support that direction
   */
  read(_bytes: Uint8Array): number | undefined {
    return undefined;
  }

  /**
   * Moves bytes from a module's memory to the stream, as {@link Stream.read} does in the other direction.
   */
  write(_bytes: Uint8Array): number | undefined {
    return undefined;
  }

  /** Returns an unknown file type. */
  override fd_fdstat_get(): { ret: number; fdstat: wasi.Fdstat } {
    return { ret: wasi.ERRNO_SUCCESS, fdstat: new wasi.Fdstat(wasi.FILETYPE_UNKNOWN, 0) };
  }

  /** Returns size 0, because a stream has no known size. */
  override fd_filestat_get(): { ret: number; filestat: wasi.Filestat } {
    return { ret: wasi.ERRNO_SUCCESS, filestat: new wasi.Filestat(0n, wasi.FILETYPE_UNKNOWN, 0n) };
  }

  /** Fails, because a stream has no position. */
  override fd_seek(): { ret: number; offset: bigint } {
    return { ret: wasi.ERRNO_SPIPE, offset: 0n };
  }

  /** Fails, because a stream has no position. */
  override fd_tell(): { ret: number; offset: bigint } {
    return { ret: wasi.ERRNO_SPIPE, offset: 0n };
  }
}

/** Standard input that returns its bytes once. */
export class Input extends Stream {
  #bytes = new Uint8Array();
  #at = 0;

  /** Replaces the bytes. */
  set(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#at = 0;
  }

  /** Reads the next bytes; none at the end. */
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
  /** Receiver of the output. */
  output: CallOutput | undefined;

  /**
   * Creates standard output (1) or standard error (2).
   *
   * @param fd number of the stream
   */
  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  /** Passes bytes to the receiver. */
  override write(data: Uint8Array): number {
    this.output?.writeBytes(this.#fd, data);
    return data.length;
  }
}

/** Output that is kept in memory. */
export class Result extends Stream {
  /** Holds short output, which is the common case. The long buffer costs a microsecond more for each call. */
  readonly #short: Uint8Array<ArrayBuffer>;
  /**
   * Holds long output. Grows in place and shrinks immediately; copies would wait for the garbage collector.
   */
  readonly #long: ArrayBuffer;
  #length = 0;

  /**
   * Creates an empty result.
   *
   * @param maxBytes maximum number of bytes that are kept
   */
  constructor(maxBytes: number) {
    super();
    this.#short = new Uint8Array(Math.min(shortBytes, maxBytes));
    this.#long = new ArrayBuffer(0, { maxByteLength: maxBytes });
  }

  /** Bytes written since the last {@link Result.clear}; valid until the next. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#isShort(this.#length)) return this.#short.subarray(0, this.#length);
    return new Uint8Array(this.#long, 0, this.#length).slice();
  }

  /** Discards the bytes. */
  clear(): void {
    this.#length = 0;
    if (this.#long.byteLength > 0) this.#long.resize(0);
  }

  /**
   * Appends bytes.
   *
   * @throws {OutputLimit} if there are too many bytes
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
