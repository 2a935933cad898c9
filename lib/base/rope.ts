/**
 * Long bytes that were made apart and are read as one.
 *
 * @module
 */

/** Bytes that can be read piece by piece: an array or a {@link Rope}. */
export interface Sliceable {
  /** How many. */
  readonly length: number;
  /** A copy of those from one place to another. */
  slice(from: number, to: number): Uint8Array<ArrayBuffer>;
}

/** Arrays of bytes, one behind the other, without a copy of all. */
export class Rope implements Sliceable {
  readonly #parts: readonly Uint8Array[];
  /** Bytes of all parts. */
  readonly length: number;

  /** @param parts in order; must not change */
  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    this.length = parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** See {@link Sliceable.slice}. */
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
