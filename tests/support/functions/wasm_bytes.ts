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

const run = [3, ...new TextEncoder().encode("run")];

/** Sections of a module whose export `run` gives a number, in the format's order by their ids. */
export function running(
  instructions: readonly number[],
  ...more: number[][]
): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 0x0b];
  const sections = [
    section(1, [1, 0x60, 0, 1, 0x7f]),
    section(3, [1, 0]),
    section(7, [1, ...run, 0, 0]),
    section(10, [1, body.length, ...body]),
    ...more,
  ];
  // That which counts segments stands before the code.
  const order = ([id]: number[]) => id === 12 ? 9.5 : id!;
  return moduleBytes(...sections.sort((a, b) => order(a) - order(b)));
}

/** `(global (mut i32) 7) (global (mut i64) 5) (global i32 9)`. */
export const globals: number[] = section(
  6,
  [3, ...[0x7f, 1, 0x41, 7, 0x0b], ...[0x7e, 1, 0x42, 5, 0x0b], ...[0x7f, 0, 0x41, 9, 0x0b]],
);
