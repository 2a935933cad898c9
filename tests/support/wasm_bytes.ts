/**
 * WebAssembly modules by hand, for unit tests of what reads and rewrites them.
 *
 * @module
 */

/**
 * A section.
 *
 * @param id its kind
 * @param body at most 127 bytes
 */
export function section(id: number, body: readonly number[]): number[] {
  return [id, body.length, ...body];
}

/** A module of sections. */
export function moduleBytes(...sections: readonly number[][]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}
