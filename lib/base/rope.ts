/**
 * Arrays of bytes that are read as one.
 *
 * @module
 */

/** Bytes that can be read piece by piece: an array or a {@link Rope}. */
export interface Sliceable {
  /** Number of bytes. */
  readonly length: number;
  /** Returns a copy of a range of bytes. */
  slice(from: number, to: number): Uint8Array<ArrayBuffer>;
}

/** Concatenation of arrays of bytes that are not copied. */
export class Rope implements Sliceable {
  readonly #parts: readonly Uint8Array[];
  /** Number of bytes of all parts. */
  readonly length: number;

  /**
   * Concatenates arrays without copying them.
   *
   * @param parts arrays in their order, which must not change
   */
  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    this.length = parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** Copies a range of bytes. */
  slice(from: number, to: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(Math.max(0, Math.min(to, this.length) - from));
    let at = 0;
    for (const part of this.#parts) {
      const found = part.subarray(Math.max(0, from - at), Math.max(0, to - at));
      if (found.length > 0) bytes.set(found, Math.max(0, at - from));
      at += part.length;
    }
    return bytes;
  }
}
