/**
 * Standard input and output of WebAssembly modules.
 *
 * @module
 */

import { Fd, wasi } from "@bjorn3/browser_wasi_shim";
import type { CallOutput } from "../output.ts";

/** Size at which buffers start, and to which they shrink back. */
const firstBytes = 1 << 14;

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

  /**
   * Gives other bytes from now on.
   *
   * @param bytes all of them
   */
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

/** Output that is told to the node when it is written. */
export class PassedOn extends Stream {
  readonly #fd: number;
  /** Takes it. */
  output: CallOutput | undefined;

  /**
   * Output.
   *
   * @param fd which stream it is
   */
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
  /** Grows in place and shrinks at once, where copies would wait for the garbage collector. */
  readonly #buffer: ArrayBuffer;
  #length = 0;

  /**
   * Output with a bound.
   *
   * @param maxBytes most bytes that are kept
   */
  constructor(maxBytes: number) {
    super();
    this.#buffer = new ArrayBuffer(Math.min(firstBytes, maxBytes), { maxByteLength: maxBytes });
  }

  /** A copy of what was written since the last {@link Result.clear}. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, 0, this.#length).slice();
  }

  /** Forgets what was written. */
  clear(): void {
    this.#length = 0;
    if (this.#buffer.byteLength > firstBytes) this.#buffer.resize(firstBytes);
  }

  /**
   * Keeps bytes.
   *
   * @throws {OutputLimit} where they are too many
   */
  override write(data: Uint8Array): number {
    if (data.length > this.#buffer.maxByteLength - this.#length) throw new OutputLimit();
    this.#reserve(this.#length + data.length);
    new Uint8Array(this.#buffer).set(data, this.#length);
    this.#length += data.length;
    return data.length;
  }

  #reserve(needed: number): void {
    const { byteLength, maxByteLength } = this.#buffer;
    if (needed <= byteLength) return;
    this.#buffer.resize(Math.min(maxByteLength, Math.max(needed, byteLength * 2)));
  }
}
